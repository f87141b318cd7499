import type { Element } from "../../../xml/index.ts";

/** What the name of a machine says about it; names are those of `qemu -machine help`. */
export interface MachineType {
  readonly name: string;
  readonly arch: string;
  readonly isX86: boolean;
  /** Intel's chipset of 1996: "pc". */
  readonly isI440fx: boolean;
  /** Intel's chipset of 2007: "q35". */
  readonly isQ35: boolean;
  /** ARM's and RISC-V's "virt". */
  readonly isVirt: boolean;
}

/** The machine of a definition that is complete this far. */
export function machineType(root: Element): MachineType {
  const type = root.find("os", "type");
  const name = type?.attribute("machine") ?? "";
  const arch = type?.attribute("arch") ?? "";
  const isX86 = arch === "x86_64" || arch === "i686";
  return {
    name,
    arch,
    isX86,
    isI440fx: isX86 && /^(pc|pc-[0-9].*|pc-i440fx-.*|rhel.*)$/.test(name),
    isQ35: isX86 && /^(q35|pc-q35-.*)$/.test(name),
    isVirt: !isX86 && /^virt(-.*)?$/.test(name),
  };
}

/**
 * The name without an alias, so that the guest keeps its machine when QEMU is newer one day. `version` is QEMU's, as
 * major * 1,000,000 + minor * 1,000 + release; 0: not known, and the alias stays.
 */
export function canonicalMachine(machine: string, version: bigint): string {
  if (version === 0n) return machine;
  const release = `${version / 1_000_000n}.${(version / 1000n) % 1000n}`;
  const aliases: Readonly<Record<string, string>> = { pc: "pc-i440fx", q35: "pc-q35", virt: "virt" };
  const name = aliases[machine];
  return name === undefined ? machine : `${name}-${release}`;
}
