import { type DecodedCpu, decodeX86 } from "../../cpu/x86-decode.ts";
import { x86FeatureName } from "../../cpu/x86-feature-names.ts";
import type { HostFacts } from "./host-facts.ts";

const vendors: Readonly<Record<string, string>> = {
  GenuineIntel: "Intel",
  AuthenticAMD: "AMD",
  HygonGenuine: "Hygon",
};

/** "Intel" for GenuineIntel; undefined for a maker of whom no model is known. */
export function vendorOf(id: string): string | undefined {
  return vendors[id];
}

/**
 * The host's processor in the words of a model, from what the kernel says of it: a bit that the kernel has no name for is not
 * seen.
 */
export function hostCpu(host: HostFacts): DecodedCpu | undefined {
  return decodeX86(hostFeatures(host), { vendor: vendorOf(host.vendor), mayLack: false });
}

/** All features of the host's processor that can be told. */
export function hostFeatures({ flags, vendor }: Pick<HostFacts, "flags" | "vendor">): Set<string> {
  const features = new Set(flags.map(x86FeatureName).filter((name) => name !== undefined));
  if (flags.includes("xsave")) features.add("osxsave");
  if (flags.includes("nonstop_tsc")) features.add("invtsc");
  if (vendor === "GenuineIntel" && flags.includes("ibrs")) {
    // The kernel has one name for what Intel and AMD have in different bits.
    features.add("spec-ctrl");
    for (const name of ["ibrs", "ibpb"]) features.delete(name);
  }
  return features;
}

/** The features of the most capable guest processor, as libvirt calls them. */
export function guestFeatures(names: readonly string[]): Set<string> {
  return new Set(names.map(x86FeatureName).filter((name) => name !== undefined));
}
