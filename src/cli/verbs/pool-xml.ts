import { type Element, element, writeXml } from "../../xml/index.ts";
import { attributed, textual } from "./made-xml.ts";
import type { Given } from "./verb.ts";

/** What a storage pool can be told to be made of. */
export const poolXmlTexts: readonly string[] = [
  "source-host",
  "source-path",
  "source-dev",
  "source-name",
  "target",
  "source-format",
  "auth-type",
  "auth-username",
  "secret-usage",
  "secret-uuid",
  "adapter-name",
  "adapter-wwnn",
  "adapter-wwpn",
  "adapter-parent",
  "adapter-parent-wwnn",
  "adapter-parent-wwpn",
  "adapter-parent-fabric-wwn",
  "source-protocol-ver",
  "source-initiator",
];

/** A storage pool's definition of what pool-define-as and pool-create-as are told. Throws PlainFailure. */
export function poolXml(given: Given): string {
  given.exclude("secret-usage", "secret-uuid");
  const initiator = attributed("iqn", "name", given.text("source-initiator"));
  const places = [
    attributed("host", "name", given.text("source-host")),
    attributed("dir", "path", given.text("source-path")),
    attributed("device", "path", given.text("source-dev")),
    adapter(given),
    initiator && element("initiator", {}, [initiator]),
  ];
  const names = [attributed("format", "type", given.text("source-format")), textual("name", given.text("source-name"))];
  // Without a place to log in to, and to speak a protocol with, virsh says nothing of these.
  const isSaid = [...places, ...names].some((part) => part !== undefined);
  const protocol = attributed("protocol", "ver", given.text("source-protocol-ver"));
  const target = textual("path", given.text("target"));
  return writeXml(
    element("pool", { type: given.need("type") }, [
      textual("name", given.need("name")),
      isSaid ? element("source", {}, [...places, auth(given), ...names, protocol]) : undefined,
      target && element("target", {}, [target]),
    ]),
  );
}

/** A card of the host's, by its name, or by its names in the network of disks. */
function adapter(given: Given): Element | undefined {
  const [name, wwnn, wwpn] = ["adapter-name", "adapter-wwnn", "adapter-wwpn"].map((each) => given.text(each));
  if (wwnn === undefined || wwpn === undefined)
    return name === undefined ? undefined : element("adapter", { type: "scsi_host", name });
  return element("adapter", {
    type: "fc_host",
    parent: given.text("adapter-parent"),
    parent_wwnn: given.text("adapter-parent-wwnn"),
    parent_wwpn: given.text("adapter-parent-wwpn"),
    parent_fabric_wwn: given.text("adapter-parent-fabric-wwn"),
    wwnn,
    wwpn,
  });
}

/** Whole, or not at all. */
function auth(given: Given): Element | undefined {
  const [type, username] = [given.text("auth-type"), given.text("auth-username")];
  const [usage, uuid] = [given.text("secret-usage"), given.text("secret-uuid")];
  if (type === undefined || username === undefined || (usage ?? uuid) === undefined) return undefined;
  return element("auth", { type, username }, [element("secret", { usage, uuid })]);
}
