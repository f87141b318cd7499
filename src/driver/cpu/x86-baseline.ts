import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { CpuDefinition } from "./cpu-definition.ts";
import { decodeX86, type FeaturePolicy } from "./x86-decode.ts";
import { x86Features, x86Models } from "./x86-models.ts";

/** What a guest is to have. */
export interface GuestCpu {
  readonly model: string;
  readonly vendor: string | undefined;
  readonly features: readonly FeaturePolicy[];
}

const names: ReadonlySet<string> = new Set(x86Features);
const vendors = ["Intel", "AMD", "Hygon"];

/**
 * The best that all of them have; `preferred` is the model that they have in common, and `mask` what there can be at all. Throws
 * VirError.
 */
export function x86Baseline(
  cpus: readonly CpuDefinition[],
  preferred: string | undefined,
  mask?: ReadonlySet<string>,
): GuestCpu {
  const sets = [...cpus.map(featuresOf), ...(mask === undefined ? [] : [mask])];
  const vendor = commonVendor(cpus);
  const common = new Set(x86Features.filter((feature) => sets.every((set) => set.has(feature))));
  if (common.size === 0) throw failed("CPUs are incompatible");
  const found = decodeX86(common, { vendor, preferred });
  if (found === undefined) throw failed("CPUs are incompatible");
  const { model, features } = found;
  return { model: model.name, vendor: cpus.every((cpu) => cpu.vendor !== undefined) ? vendor : undefined, features };
}

/** All features of a model with these, as a list in alphabetical order. */
export function expandFeatures({ model, vendor, features }: GuestCpu): GuestCpu {
  const all = new Map(features.map((feature) => [feature.name, feature]));
  for (const name of x86Models.get(model)?.features ?? [])
    if (!all.has(name)) all.set(name, { name, policy: "require" });
  const sorted = [...all.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  return { model, vendor, features: sorted };
}

function featuresOf({ model, features }: CpuDefinition): ReadonlySet<string> {
  const known = x86Models.get(model);
  if (known === undefined) throw internal(`Unknown CPU model ${model}`);
  const unknown = features.find((feature) => !names.has(feature));
  if (unknown !== undefined) throw internal(`Unknown CPU feature ${unknown}`);
  return new Set([...known.features, ...features]);
}

/** Of those behind the first one the model says whose it is, where they do not say it themselves. */
function commonVendor(cpus: readonly CpuDefinition[]): string | undefined {
  let common: string | undefined;
  for (const [index, { vendor, model }] of cpus.entries()) {
    const usual = index === 0 ? undefined : x86Models.get(model)?.vendor;
    if (vendor !== undefined && !vendors.includes(vendor)) throw failed(`Unknown CPU vendor ${vendor}`);
    if (vendor !== undefined && usual !== undefined && vendor !== usual) {
      throw failed(`CPU vendor ${usual} of model ${model} differs from vendor ${vendor}`);
    }
    const own = vendor ?? usual;
    if (own !== undefined && common !== undefined && own !== common) throw failed("CPU vendors do not match");
    common ??= own;
  }
  return common;
}

function internal(detail: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.cpu, detail);
}

function failed(detail: string): VirError {
  return VirError.of(ErrorCode.operationFailed, ErrorDomain.cpu, detail);
}
