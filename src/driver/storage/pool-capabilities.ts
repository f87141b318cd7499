import { Element, writeXml } from "../../xml/index.ts";
import { poolTypes } from "./pool-types.ts";

/** Formats that a volume of a directory can have. */
const formats = "none raw dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk".split(" ");

/** Which types of pools there are, and which can be used. */
export function poolCapabilities(): string {
  const pools = [...poolTypes.keys()].map((type) => {
    const isUsable = type === "dir";
    return new Element("pool", { type, supported: isUsable ? "yes" : "no" }, isUsable ? [volumeOptions()] : []);
  });
  return writeXml(new Element("storagepoolCapabilities", {}, pools));
}

function volumeOptions(): Element {
  const values = formats.map((format) => Element.leaf("value", format));
  return new Element("volOptions", {}, [
    new Element("defaultFormat", { type: "raw" }),
    new Element("enum", { name: "targetFormatType" }, values),
  ]);
}
