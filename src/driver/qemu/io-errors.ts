import type { Domain } from "../../model/index.ts";
import type { DomainEvent } from "../../protocol/index.ts";
import type { JsonObject } from "../../qmp/index.ts";
import { aliasOf, sourceOf } from "./devices-of.ts";
import { diskNamed, diskOfNode } from "./event-disks.ts";

/** virDomainEventIOErrorAction, by QEMU's word. */
const actions = ["ignore", "stop", "report"];

/** What is told of a disk that could not be read or written: in the older form and in the one with a reason. */
export function ioErrorEvents(domain: Domain, data: JsonObject): readonly DomainEvent[] {
  const { device, "node-name": node, action, nospace } = data;
  const disk =
    typeof device === "string" && device !== ""
      ? diskNamed(domain, device)
      : diskOfNode(domain, typeof node === "string" ? node : "")?.disk;
  const what = {
    dom: domain.reference,
    srcPath: (disk && sourceOf(disk)) ?? "",
    devAlias: disk === undefined ? "" : aliasOf(disk),
    action: Math.max(0, actions.indexOf(String(action))),
  };
  return [
    { name: "ioError", ...what },
    { name: "ioErrorReason", ...what, reason: nospace === true ? "enospc" : "" },
  ];
}
