import { readFileSync } from "node:fs";
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

/** The processor time that a process has used, in nanoseconds; 0 when it is gone. */
export function cpuTimeNs(pid: number | undefined): bigint {
  const nsPerTick = 10_000_000n;
  const stat = pid === undefined ? "" : readStat(pid);
  // Fields 14 and 15, user and system; the second one is in parentheses and may contain anything.
  const [user = "0", system = "0"] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(14 - 3, 16 - 3);
  return (BigInt(user) + BigInt(system)) * nsPerTick;
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return "";
  }
}
