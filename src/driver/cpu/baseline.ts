import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { Element, type Pause, readXml, writeXml } from "../../xml/index.ts";
import { type Family, familyOf } from "./architecture.ts";
import { type CpuDefinition, parseCpu } from "./cpu-definition.ts";
import { expandFeatures, type GuestCpu, x86Baseline } from "./x86-baseline.ts";

/**
 * The best CPU for guests that are to run on all of these hosts' CPUs, XML in and out. `expanded` names all features, of
 * the model as well. Rejects with VirError, and with what `pause` rejects with.
 */
export async function baselineCpu(sources: readonly string[], expanded: boolean, pause: Pause): Promise<string> {
  const cpus: CpuDefinition[] = [];
  for (const source of sources) {
    cpus.push(await readXml(source, pause, parseCpu));
    await pause();
  }
  const [first] = cpus;
  const family = familyOf(first?.architecture ?? "");
  const preferred = cpus.every(({ model }) => model === first?.model) ? first?.model : undefined;
  const best = compute(family, cpus, preferred);
  const cpu = expanded && family.name === "x86" ? expandFeatures(best) : best;
  const isSure = family.name !== "arm" && cpu.model === preferred;
  return formatGuestCpu(cpu, isSure);
}

function compute({ name, models }: Family, cpus: readonly CpuDefinition[], preferred: string | undefined): GuestCpu {
  if (name === "x86") return x86Baseline(cpus, preferred);
  const [{ model, architecture } = { model: "", architecture: "" }] = cpus;
  if (name === "s390") {
    const detail = `cannot compute baseline CPU of ${architecture} architecture`;
    throw VirError.of(ErrorCode.noSupport, ErrorDomain.cpu, detail);
  }
  if (models !== undefined && !models.includes(model)) {
    throw VirError.of(ErrorCode.internalError, ErrorDomain.cpu, `Unknown CPU model ${model}`);
  }
  if (models !== undefined && preferred === undefined) {
    throw VirError.of(ErrorCode.operationFailed, ErrorDomain.cpu, "CPUs are incompatible");
  }
  return { model, vendor: undefined, features: [] };
}

/** `isSure`: another model will not do in its place. */
export function formatGuestCpu({ model, vendor, features }: GuestCpu, isSure: boolean): string {
  const parts = [
    Element.leaf("model", model, { fallback: isSure ? "forbid" : "allow" }),
    ...(vendor === undefined ? [] : [Element.leaf("vendor", vendor)]),
    ...features.map(({ name, policy }) => new Element("feature", { policy, name })),
  ];
  return writeXml(new Element("cpu", { mode: "custom", match: "exact" }, parts));
}
