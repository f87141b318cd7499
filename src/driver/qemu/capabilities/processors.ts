import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { type Pause, readXml } from "../../../xml/index.ts";
import { type AnyCpu, parseAnyCpu } from "../../cpu/any-cpu.ts";
import { formatGuestCpu } from "../../cpu/baseline.ts";
import { expandFeatures, x86Baseline } from "../../cpu/x86-baseline.ts";
import { compareX86, neededFeatures, type X86Host } from "../../cpu/x86-compare.ts";
import type { BinaryFacts } from "./binary-facts.ts";
import { possible } from "./guest-model.ts";
import { guestFeatures, hostFeatures, vendorOf } from "./host-cpu.ts";
import type { HostFacts } from "./host-facts.ts";

/** virCPUCompareResult. */
const results = { incompatible: 0, identical: 1, superset: 2 } as const;

/**
 * What the host is beside a CPU, as virCPUCompareResult. `fails`: throw VirError, which says why, where they do not go
 * together.
 */
export async function compareCpu(source: string, host: X86Host, fails: boolean, pause: Pause): Promise<number> {
  const comparison = compareX86(await readXml(source, pause, parseAnyCpu), host);
  if (comparison.result !== "incompatible" || !fails) return results[comparison.result];
  const message = `the CPU is incompatible with host CPU: ${comparison.why}`;
  const fields = { str1: "the CPU is incompatible with host CPU: %s", str2: comparison.why };
  throw new VirError(message, { code: ErrorCode.cpuIncompatible, domain: ErrorDomain.cpu, ...fields });
}

/** The host's processor, to compare with. */
export function hostProcessor(host: HostFacts): X86Host {
  return { vendor: vendorOf(host.vendor), features: hostFeatures(host) };
}

/** The best processor that a guest can have, to compare with. */
export function guestProcessor(facts: BinaryFacts): X86Host {
  return { vendor: vendorOf(facts.maxVendor), features: guestFeatures(facts.maxFeatures) };
}

/** The best CPU for guests that are to run on all of these and on this QEMU, as XML. */
export async function baselineOn(
  facts: BinaryFacts,
  sources: readonly string[],
  expanded: boolean,
  pause: Pause,
): Promise<string> {
  const cpus: AnyCpu[] = [];
  for (const source of sources) {
    cpus.push(await readXml(source, pause, parseAnyCpu));
    await pause();
  }
  if (cpus.length === 0) throw VirError.of(ErrorCode.invalidArg, ErrorDomain.cpu, "No CPU given");
  const [first] = cpus;
  const preferred = cpus.every(({ model }) => model === first?.model) ? first?.model : undefined;
  const best = x86Baseline(cpus.map(plain), preferred, guestFeatures(facts.maxFeatures));
  const cpu = possible(best, facts);
  return formatGuestCpu(expanded ? expandFeatures(cpu) : cpu, true);
}

/** As if a host had just what it needs. */
function plain(cpu: AnyCpu): Parameters<typeof x86Baseline>[0][number] {
  const needed = neededFeatures(cpu);
  return { architecture: "x86_64", model: cpu.model, vendor: cpu.vendor, features: [...needed] };
}
