import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { x86Models } from "./x86-models.ts";

/** What CPUs of an architecture have in common. */
export interface Family {
  readonly name: "x86" | "ppc64" | "s390" | "arm";
  /** Undefined: every name is one. */
  readonly models: readonly string[] | undefined;
}

const power = ["POWER6", "POWER7", "POWER8", "POWER9", "POWER10", "POWERPC_e5500", "POWERPC_e6500"];
const families: Readonly<Record<Family["name"], Family>> = {
  x86: { name: "x86", models: [...x86Models.keys()] },
  ppc64: { name: "ppc64", models: power },
  s390: { name: "s390", models: undefined },
  arm: { name: "arm", models: undefined },
};

const byArchitecture: Readonly<Record<string, Family | undefined>> = {
  i686: families.x86,
  x86_64: families.x86,
  ppc64: families.ppc64,
  ppc64le: families.ppc64,
  s390: families.s390,
  s390x: families.s390,
  armv6l: families.arm,
  armv7b: families.arm,
  armv7l: families.arm,
  aarch64: families.arm,
};

/** Those that have a name and no family. */
const others = (
  "alpha cris ia64 lm32 loongarch64 m68k microblaze microblazeel mips mipsel mips64 mips64el openrisc parisc parisc64 " +
  "ppc ppcemb riscv32 riscv64 sh4 sh4eb sparc sparc64 unicore32 xtensa xtensaeb"
).split(" ");

export function isArchitecture(name: string): boolean {
  return byArchitecture[name] !== undefined || others.includes(name);
}

/** Throws VirError for an architecture whose CPUs nobody knows. */
export function familyOf(architecture: string): Family {
  const family = byArchitecture[architecture];
  if (family !== undefined) return family;
  const detail = `'${architecture}' architecture is not supported by CPU driver`;
  throw VirError.of(ErrorCode.noSupport, ErrorDomain.cpu, detail);
}
