import type { TypedParam } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { HostFiles } from "../../host-files.ts";
import { hostNameOf, interfaceCounters } from "./interface-counters.ts";
import { param } from "./subject.ts";

/** Traffic of the interfaces of a guest that runs. One that the host does not have is counted, and no more. */
export async function interfaceGroup(devices: readonly Element[], files?: HostFiles): Promise<TypedParam[]> {
  const params = [param.uint("net.count", devices.length)];
  for (const [at, device] of devices.entries()) {
    const counters = await interfaceCounters(device, files);
    if (counters === undefined) continue;
    params.push(param.string(`net.${at}.name`, hostNameOf(device) ?? ""));
    for (const [name, value] of Object.entries(counters)) {
      // rxPackets is rx.pkts.
      const what = name.slice(2).toLowerCase().replace("packets", "pkts");
      params.push(param.ullong(`net.${at}.${name.slice(0, 2)}.${what}`, value));
    }
  }
  return params;
}
