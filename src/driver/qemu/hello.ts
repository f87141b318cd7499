import { Element, writeXml } from "../../xml/index.ts";

export interface HelloOptions {
  /** Default "hello". */
  readonly name?: string;
  /** What the guest writes on its serial port is added to this file. */
  readonly serialLog: string;
  /** A kernel to boot; without it the firmware greets, finds nothing to boot and waits. */
  readonly kernel?: string;
  readonly initrd?: string;
  /** Arguments for the kernel; its console is ttyS0. */
  readonly append?: string;
}

/** The definition of a guest that needs nothing but QEMU: 128 MiB, no disk. */
export function helloDefinition({ name = "hello", serialLog, kernel, initrd, append }: HelloOptions): string {
  const os = new Element("os", {}, [Element.leaf("type", "hvm"), new Element("bios", { useserial: "yes" })]);
  for (const [element, value] of Object.entries({ kernel, initrd, cmdline: append })) {
    if (value !== undefined) os.children.push(Element.leaf(element, value));
  }
  const serial = new Element("serial", { type: "file" }, [new Element("source", { path: serialLog, append: "on" })]);
  const root = new Element("domain", { type: "qemu" }, [
    Element.leaf("name", name),
    Element.leaf("memory", "128", { unit: "MiB" }),
    os,
    new Element("features", {}, [new Element("acpi")]),
    new Element("devices", {}, [serial, new Element("memballoon", { model: "none" })]),
  ]);
  return writeXml(root);
}
