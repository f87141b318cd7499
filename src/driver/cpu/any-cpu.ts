import type { Document } from "../../xml/index.ts";
import { failedCpu, parseCpuRoot, readVendor } from "./cpu-definition.ts";

/** How a feature is meant; a host's CPU simply has it. */
export type CpuPolicy = "force" | "require" | "optional" | "disable" | "forbid";

/** A CPU of a host or of a guest, as somebody wants it compared. */
export interface AnyCpu {
  /** Undefined: the machine's own. */
  readonly architecture: string | undefined;
  readonly model: string;
  readonly vendor: string | undefined;
  /** Of a guest: whether a host may have more. */
  readonly match: "minimum" | "exact" | "strict";
  readonly features: ReadonlyMap<string, CpuPolicy>;
}

const policies = ["force", "require", "optional", "disable", "forbid"] as const;
const matches = ["minimum", "exact", "strict"] as const;

/** `read` gives the document. Throws VirError. */
export function parseAnyCpu(read: () => Document): AnyCpu {
  const root = parseCpuRoot(read);
  const match = root.attribute("match") ?? "exact";
  const known = matches.find((each) => each === match);
  if (known === undefined) throw failedCpu("Invalid match attribute for CPU specification");
  const model = root.first("model")?.text.trim() ?? "";
  if (model === "") throw failedCpu("Missing CPU model name");
  const features = new Map<string, CpuPolicy>();
  for (const feature of root.all("feature")) {
    const name = feature.attribute("name") ?? "";
    if (name === "") throw failedCpu("Invalid CPU feature name");
    if (features.has(name)) throw failedCpu(`CPU feature '${name}' specified more than once`);
    const policy = policies.find((each) => each === (feature.attribute("policy") ?? "require"));
    if (policy === undefined) throw failedCpu("Invalid CPU feature policy");
    features.set(name, policy);
  }
  return { architecture: root.first("arch")?.text, model, vendor: readVendor(root), match: known, features };
}
