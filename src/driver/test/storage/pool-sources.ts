import { ErrorDomain } from "../../../protocol/index.ts";
import { Element, writeXml } from "../../../xml/index.ts";
import { readRoot } from "../../objects/object-xml.ts";
import { invalidArgument } from "../failure.ts";

const specification = {
  root: "source",
  domain: ErrorDomain.storage,
  place: "storage_source_specification",
};

/** What the test hypervisor claims to find on the host, as XML; undefined for types of which it finds none. */
export function findSources(type: string, srcSpec: string | null): string | undefined {
  const source = srcSpec === null || srcSpec === "" ? undefined : readRoot(srcSpec, specification);
  if (type === "logical") return write([volumeGroup(20, "testvg1"), volumeGroup(21, "testvg2")]);
  if (type !== "netfs") return undefined;
  const host = source?.first("host")?.attribute("name");
  if (host === undefined) throw invalidArgument("hostname must be specified for netfs sources");
  return write([
    new Element("source", {}, [
      new Element("host", { name: host }),
      new Element("dir", { path: "/testshare" }),
      new Element("format", { type: "nfs" }),
    ]),
  ]);
}

function volumeGroup(disk: number, name: string): Element {
  return new Element("source", {}, [
    new Element("device", { path: `/dev/sda${disk}` }),
    Element.leaf("name", name),
    new Element("format", { type: "lvm2" }),
  ]);
}

function write(sources: Element[]): string {
  return writeXml(new Element("sources", {}, sources));
}
