import { Element } from "../../../xml/index.ts";
import { readNumberSet, writeNumberSet } from "../../qemu/definition/number-set.ts";
import { unsupported } from "../errors.ts";
import { featureAt, placeOf } from "./cpu-features.ts";
import type { BuildConfig } from "./parts.ts";

/** What libxl says of one leaf of CPUID: for each register 32 characters, from bit 31 on; "x" is as Xen likes it. */
interface LeafPolicy {
  leaf: number;
  subleaf?: number;
  eax?: string;
  ebx?: string;
  ecx?: string;
  edx?: string;
}

const registers = ["eax", "ebx", "ecx", "edx"] as const;
const open = "x".repeat(32);

/** What a guest's processors can do, and how they and its memory are spread over nodes. Throws VirError. */
export function cpuConfig(cpu: Element | undefined): BuildConfig {
  if (cpu === undefined) return {};
  const cells = cpu.first("numa")?.all("cell") ?? [];
  const nodes = cells.length === 0 ? {} : { vnuma_nodes: cells.map((cell, at) => nodeConfig(cell, at, cells)) };
  if (cpu.attribute("mode") !== "host-passthrough") return nodes;
  const leaves = policies(cpu.all("feature"));
  const cpuid = leaves.length === 0 ? {} : { cpuid: { cpuid: leaves, msr: [] } };
  return { ...cpuid, nested_hvm: false, ...nodes };
}

function policies(features: readonly Element[]): LeafPolicy[] {
  const leaves: LeafPolicy[] = [];
  for (const feature of features) {
    const name = feature.attribute("name") ?? "";
    const policy = feature.attribute("policy") ?? "require";
    const place = placeOf(name);
    if (place === undefined) throw unsupported(`unsupported cpu feature '${name}'`);
    if (policy === "optional") continue;
    const { leaf, subleaf, bit } = place;
    const register = place.register as (typeof registers)[number];
    let own = leaves.find((each) => each.leaf === leaf && each.subleaf === subleaf);
    if (own === undefined) {
      own = subleaf === undefined ? { leaf } : { leaf, subleaf };
      leaves.push(own);
    }
    const bits = own[register] ?? open;
    const sign = policy === "force" || policy === "require" ? "1" : "0";
    own[register] = bits.slice(0, 31 - bit) + sign + bits.slice(32 - bit);
  }
  return leaves;
}

function nodeConfig(
  cell: Element,
  at: number,
  cells: readonly Element[],
): NonNullable<BuildConfig["vnuma_nodes"]>[number] {
  const siblings = cell.first("distances")?.all("sibling") ?? [];
  const distances = cells.map((_, id) => {
    const own = siblings.find((each) => Number(each.attribute("id")) === id)?.attribute("value");
    return Number(own ?? (id === at ? 10 : 20));
  });
  const vcpus = readNumberSet(cell.attribute("cpus") ?? String(at));
  return { memkb: Number(cell.attribute("memory") ?? 0), distances, vcpus };
}

/** A definition's processor for what libxl has; undefined where it has nothing to say. */
export function cpuElement(build: BuildConfig): Element | undefined {
  const features = featureElements(build.cpuid);
  const nodes = build.vnuma_nodes ?? [];
  if (features.length === 0 && nodes.length === 0 && build.nested_hvm === undefined) return undefined;
  const cells = nodes.map(({ memkb = 0, distances = [], vcpus = [] }, id) => {
    const siblings = distances.map((value, to) => new Element("sibling", { id: String(to), value: String(value) }));
    const fields = { id: String(id), cpus: writeNumberSet(vcpus), memory: String(memkb), unit: "KiB" };
    return new Element("cell", fields, siblings.length === 0 ? [] : [new Element("distances", {}, siblings)]);
  });
  const numa = cells.length === 0 ? [] : [new Element("numa", {}, cells)];
  return new Element("cpu", { mode: "host-passthrough" }, [...features, ...numa]);
}

function featureElements(cpuid: unknown): Element[] {
  return leavesOf(cpuid).flatMap((policy) =>
    registers.flatMap((register) =>
      Array.from(policy[register] ?? "", (sign, at) => {
        const { leaf, subleaf } = policy;
        const name = sign === "x" ? undefined : featureAt({ leaf, subleaf, register, bit: 31 - at });
        const policies: Readonly<Record<string, string>> = { "1": "require", "0": "forbid" };
        return name === undefined ? [] : [new Element("feature", { policy: policies[sign] ?? "optional", name })];
      })
        .reverse()
        .flat(),
    ),
  );
}

/** Older libxl wrote the leaves alone. */
function leavesOf(cpuid: unknown): readonly LeafPolicy[] {
  const list = Array.isArray(cpuid) ? cpuid : (cpuid as { cpuid?: unknown } | undefined)?.cpuid;
  return Array.isArray(list) ? (list as LeafPolicy[]) : [];
}
