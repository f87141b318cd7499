import { type X86Model, x86Features, x86Models } from "./x86-models.ts";

export interface FeaturePolicy {
  readonly name: string;
  readonly policy: "require" | "disable";
}

/** A set of features in the words of a model. */
export interface DecodedCpu {
  readonly model: X86Model;
  /** What it has beside the model, and what it lacks of it. */
  readonly features: readonly FeaturePolicy[];
}

export interface DecodeOptions {
  /** "Intel", "AMD": models of other makers are left out; undefined: of none. */
  readonly vendor: string | undefined;
  /** The model to describe it by, whatever others would say. */
  readonly preferred?: string | undefined;
  /** Whether something of the model may be missing; a host's own description has no way to say so. Default true. */
  readonly mayLack?: boolean;
}

/** Finds the model that says most about these features; undefined when none fits. */
export function decodeX86(features: ReadonlySet<string>, options: DecodeOptions): DecodedCpu | undefined {
  const { vendor, preferred, mayLack = true } = options;
  let best: (DecodedCpu & { readonly weight: number }) | undefined;
  // Of two that say as much the one that is listed first is the better known.
  for (const model of [...x86Models.values()].reverse()) {
    if (vendor !== undefined && model.vendor !== undefined && model.vendor !== vendor) continue;
    if (!model.offered) continue;
    const candidate = against(model, features);
    if (model.name === preferred) return candidate;
    if (!mayLack && candidate.lacks) continue;
    if (best === undefined || candidate.weight <= best.weight) best = candidate;
  }
  return best;
}

/** What is to be taken from the model weighs twice. */
function against(model: X86Model, found: ReadonlySet<string>): DecodedCpu & { weight: number; lacks: boolean } {
  const required = x86Features.filter((name) => found.has(name) && !model.features.has(name));
  const disabled = x86Features.filter((name) => !found.has(name) && model.features.has(name));
  const lost = model.lost.filter((name) => !found.has(name));
  const features = [
    ...required.map((name) => ({ name, policy: "require" as const })),
    ...[...disabled, ...lost].map((name) => ({ name, policy: "disable" as const })),
  ];
  return { model, features, weight: required.length + 2 * disabled.length, lacks: disabled.length > 0 };
}
