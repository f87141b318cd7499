import { existsSync } from "node:fs";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { defaultPath, localArch } from "../binary.ts";
import { ownPolicy, type SecurityPolicy } from "../security/guest-user.ts";
import type { BinaryFacts, MachineFacts } from "./binary-facts.ts";
import { capabilitiesXml, type InstalledBinary } from "./capabilities-xml.ts";
import { domainCapabilitiesXml } from "./domain-capabilities.ts";
import { FactsCache } from "./facts-cache.ts";
import { readFirmwareFiles } from "./firmware-files.ts";
import { type HostFacts, readHostFacts } from "./host-facts.ts";
import { KvmProbe } from "./kvm.ts";
import { ProbeError } from "./probe.ts";

/** What a caller may say of the guests that it asks about; what is undefined is taken from the rest. */
export interface GuestKind {
  readonly emulator: string | undefined;
  readonly arch: string | undefined;
  readonly machine: string | undefined;
  /** "qemu" or "kvm". */
  readonly type: string | undefined;
}

/** A kind of guest that there can be. */
export interface KnownGuestKind {
  readonly path: string;
  readonly arch: string;
  readonly machine: MachineFacts;
  readonly type: "qemu" | "kvm";
  readonly facts: BinaryFacts;
}

/** The architectures that this driver builds guests of. */
const architectures = ["i686", "x86_64"];
/** Whose machine a QEMU is built for, in libvirt's words. */
const targets: Readonly<Record<string, string>> = { i386: "i686" };

/** What the host is and its QEMUs can do. Nothing is asked before somebody wants to know. All reject with VirError. */
export class Capabilities {
  readonly security: SecurityPolicy;
  readonly #cache: FactsCache;
  readonly #kvm = new Map<string, KvmProbe>();

  /** `directory`: where answers are kept; undefined: nowhere. */
  constructor(directory: string | undefined, security: SecurityPolicy = ownPolicy()) {
    this.security = security;
    this.#cache = new FactsCache(directory);
  }

  host(): HostFacts {
    return readHostFacts();
  }

  /** `<capabilities>`. A QEMU that cannot be asked is left out. */
  async xml(): Promise<string> {
    const installed = architectures
      .map((arch) => ({ arch, path: defaultPath(arch) }))
      .filter(({ path }) => existsSync(path));
    const asked = await Promise.allSettled(installed.map(({ arch, path }) => this.#installed(arch, path)));
    const known = asked.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    return capabilitiesXml(localArch(), this.host(), this.security, known);
  }

  /** `<domainCapabilities>`. */
  async domainXml(kind: GuestKind): Promise<string> {
    const known = await this.find(kind);
    return domainCapabilitiesXml(known, known.facts, await readFirmwareFiles());
  }

  /** Rejects with VirError in libvirt's words where there is no such guest. */
  async find(kind: GuestKind): Promise<KnownGuestKind> {
    const arch = kind.arch ?? (kind.emulator === undefined ? localArch() : undefined);
    if (arch !== undefined && !architectures.includes(arch)) throw noEmulator(arch);
    const path = kind.emulator ?? defaultPath(arch ?? localArch());
    if (!existsSync(path)) throw noEmulator(arch ?? path);
    const facts = await this.#ask(path, "tcg");
    const target = targets[facts.arch] ?? facts.arch;
    if (arch !== undefined && arch !== target) throw mismatch(path, target, arch);
    const type = await this.#typeOf(kind.type, path);
    const machine = findMachine(facts, kind.machine, path);
    return { path, arch: target, machine, type, facts: type === "kvm" ? await this.#ask(path, "kvm") : facts };
  }

  async #installed(arch: string, path: string): Promise<InstalledBinary> {
    const [facts, hasKvm] = await Promise.all([this.#ask(path, "tcg"), this.#hasKvm(path)]);
    return { arch, path, facts, hasKvm };
  }

  async #typeOf(type: string | undefined, path: string): Promise<"qemu" | "kvm"> {
    const hasKvm = await this.#hasKvm(path);
    if (type === undefined) return hasKvm ? "kvm" : "qemu";
    if (type !== "qemu" && type !== "kvm") throw invalidArgument(`unknown virttype: ${type}`);
    if (type === "kvm" && !hasKvm) throw invalidArgument(`the accel 'kvm' is not supported by '${path}' on this host`);
    return type;
  }

  #hasKvm(path: string): Promise<boolean> {
    const probe = this.#kvm.get(path) ?? new KvmProbe(path);
    this.#kvm.set(path, probe);
    return probe.works();
  }

  async #ask(path: string, accelerator: string): Promise<BinaryFacts> {
    try {
      return await this.#cache.of(path, accelerator);
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      throw VirError.of(ErrorCode.internalError, ErrorDomain.qemu, error.message, error);
    }
  }
}

function findMachine({ machines }: BinaryFacts, name: string | undefined, path: string): MachineFacts {
  const found =
    name === undefined
      ? machines.find(({ isDefault }) => isDefault)
      : machines.find((machine) => machine.name === name || machine.alias === name);
  if (found !== undefined) return found;
  throw invalidArgument(`the machine '${name ?? ""}' is not supported by emulator '${path}'`);
}

function noEmulator(what: string): VirError {
  const detail = `unable to find any emulator to serve '${what}' architecture`;
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}

function mismatch(path: string, target: string, arch: string): VirError {
  return invalidArgument(`architecture from emulator '${target}' doesn't match given architecture '${arch}' (${path})`);
}

function invalidArgument(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}
