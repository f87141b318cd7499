import type { GuestContext } from "./guest-context.ts";
import { failure, flag, number, oneOf } from "./reading.ts";

/** libvirt's names of what can be on or off, as QEMU calls it. */
const switches = [
  ["relaxed", "hv-relaxed"],
  ["vapic", "hv-vapic"],
  ["vpindex", "hv-vpindex"],
  ["runtime", "hv-runtime"],
  ["synic", "hv-synic"],
  ["stimer", "hv-stimer"],
  ["reset", "hv-reset"],
  ["frequencies", "hv-frequencies"],
  ["reenlightenment", "hv-reenlightenment"],
  ["tlbflush", "hv-tlbflush"],
  ["ipi", "hv-ipi"],
  ["evmcs", "hv-evmcs"],
  ["avic", "hv-avic"],
] as const;

/** What Windows expects of Hyper-V, as features of the processor. */
export function hypervFeatures(context: GuestContext): string[] {
  const hyperv = context.root.find("features", "hyperv");
  const crash = context.all("panic").some((panic) => panic.attribute("model") === "hyperv") ? ["hv-crash"] : [];
  if (hyperv === undefined) return crash;
  const mode = oneOf(hyperv.attribute("mode") ?? "custom", ["custom", "passthrough"], "hyperv mode");
  if (mode === "passthrough") return ["hv-passthrough=on", ...crash];
  const on = switches.filter(([name]) => flag(hyperv.first(name), "state") === true).map(([, name]) => `${name}=on`);
  const direct = flag(hyperv.first("stimer")?.first("direct"), "state") === true ? ["hv-stimer-direct=on"] : [];
  return [...on, ...direct, ...spinlocks(context), ...vendor(context), ...crash];
}

function spinlocks({ root }: GuestContext): string[] {
  const element = root.find("features", "hyperv", "spinlocks");
  if (flag(element, "state") !== true) return [];
  return [`hv-spinlocks=0x${(number(element, "retries") ?? 4095).toString(16)}`];
}

function vendor({ root }: GuestContext): string[] {
  const element = root.find("features", "hyperv", "vendor_id");
  if (flag(element, "state") !== true) return [];
  const value = element?.attribute("value") ?? "";
  if (!/^[^,]{1,12}$/.test(value))
    throw failure("HyperV vendor_id value must not be more than 12 characters, and without a comma");
  return [`hv-vendor-id=${value}`];
}
