import { cpus, totalmem } from "node:os";
import type { driverProcedures, RetOf } from "../../protocol/index.ts";
import { Element, writeXml } from "../../xml/index.ts";
import { defaultPath, localArch } from "./binary.ts";

/** The host as `virsh nodeinfo` shows it, its processors taken as the cores of one socket. */
export function nodeInfo(): RetOf<typeof driverProcedures.nodeGetInfo> {
  const processors = cpus();
  return {
    model: localArch(),
    memory: BigInt(Math.floor(totalmem() / 1024)),
    cpus: processors.length,
    mhz: processors[0]?.speed ?? 0,
    nodes: 1,
    sockets: 1,
    cores: processors.length,
    threads: 1,
  };
}

/** What guests are possible, as far as libvirt's clients need to know before they define one. */
export function capabilities(): string {
  const arch = localArch();
  const cpu = new Element("cpu", {}, [Element.leaf("arch", arch)]);
  const guest = new Element("guest", {}, [
    Element.leaf("os_type", "hvm"),
    new Element("arch", { name: arch }, [
      Element.leaf("wordsize", "64"),
      Element.leaf("emulator", defaultPath(arch)),
      Element.leaf("machine", "pc", { maxCpus: "255" }),
      Element.leaf("machine", "q35", { maxCpus: "288" }),
      new Element("domain", { type: "qemu" }),
    ]),
  ]);
  return writeXml(new Element("capabilities", {}, [new Element("host", {}, [cpu]), guest]));
}
