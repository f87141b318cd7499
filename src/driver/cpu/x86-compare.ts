import type { AnyCpu } from "./any-cpu.ts";
import { internalCpu } from "./cpu-definition.ts";
import { x86Features, x86Models } from "./x86-models.ts";

/** What guests are to run on. */
export interface X86Host {
  readonly vendor: string | undefined;
  readonly features: ReadonlySet<string>;
}

/** What a host's CPU is beside another one; `why` says what stands in the way. */
export type Comparison =
  | { readonly result: "identical" | "superset" }
  | { readonly result: "incompatible"; readonly why: string };

/** Throws VirError for what nobody knows. */
export function compareX86(cpu: AnyCpu, host: X86Host): Comparison {
  const needed = neededFeatures(cpu);
  if (cpu.vendor !== undefined && cpu.vendor !== host.vendor) {
    return incompatible(`host CPU vendor does not match required CPU vendor ${cpu.vendor}`);
  }
  const forbidden = x86Features.filter((name) => cpu.features.get(name) === "forbid" && host.features.has(name));
  if (forbidden.length > 0) return incompatible(`Host CPU provides forbidden features: ${forbidden.join(", ")}`);
  const missing = x86Features.filter((name) => needed.has(name) && !host.features.has(name));
  if (missing.length > 0) return incompatible(`Host CPU does not provide required features: ${missing.join(", ")}`);
  const extra = x86Features.filter((name) => host.features.has(name) && !needed.has(name));
  if (cpu.match === "strict" && extra.length > 0) {
    return incompatible(`Host CPU does not strictly match guest CPU: Extra features: ${extra.join(", ")}`);
  }
  return { result: extra.length > 0 ? "superset" : "identical" };
}

/** All that a CPU must find: what it brings along itself, or can do without, is left out. */
export function neededFeatures({ model, features }: AnyCpu): Set<string> {
  const known = x86Models.get(model);
  if (known === undefined) throw internalCpu(`Unknown CPU model ${model}`);
  const needed = new Set(known.features);
  for (const [name, policy] of features) {
    if (!x86Features.includes(name)) throw internalCpu(`Unknown CPU feature ${name}`);
    if (policy === "require") needed.add(name);
    else needed.delete(name);
  }
  return needed;
}

function incompatible(why: string): Comparison {
  return { result: "incompatible", why };
}
