import { x86Features } from "./x86-models.ts";

/** libvirt's names of features that QEMU or the kernel call otherwise; dashes for underscores come by rule. */
const names: Readonly<Record<string, string>> = {
  pclmulqdq: "pclmuldq",
  "sse4-1": "sse4.1",
  "sse4-2": "sse4.2",
  sse4_1: "sse4.1",
  sse4_2: "sse4.2",
  tsc_deadline_timer: "tsc-deadline",
};

const all = new Set(x86Features);

/** A name of QEMU's, or of the kernel's, as libvirt has it; undefined for what libvirt has no name for. */
export function x86FeatureName(name: string): string | undefined {
  const known = names[name] ?? name;
  return [known, known.replaceAll("_", "-"), known.replaceAll("-", "_")].find((each) => all.has(each));
}
