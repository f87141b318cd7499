import { featureAt, placeOf } from "../configuration/cpu-features.ts";
import { wrong } from "./settings.ts";

/** Xen's names for features that libvirt calls something else. */
const names: Readonly<Record<string, string>> = {
  sse3: "pni",
  pclmulqdq: "pclmuldq",
  dscpl: "ds_cpl",
  cmpxchg16: "cx16",
  sse41: "sse4.1",
  sse4_1: "sse4.1",
  sse42: "sse4.2",
  sse4_2: "sse4.2",
  tsc_deadline: "tsc-deadline",
  "tsc-deadline": "tsc-deadline",
  cmpxchg8: "cx8",
  sysenter: "sep",
  clfsh: "clflush",
  htt: "ht",
  psn: "pn",
  "tsc-adjust": "tsc_adjust",
  lahfsahf: "lahf_lm",
  cmplegacy: "cmp_legacy",
  altmovcr8: "cr8legacy",
  "3dnowprefetch": "3dnowprefetch",
  ffxsr: "fxsr_opt",
  page1gb: "pdpe1gb",
  "nested-svm": "svm",
  ibrsb: "spec-ctrl",
  avx512ifma: "avx512ifma",
  sha: "sha-ni",
  proc_trace: "intel-pt",
};

interface Leaf {
  leaf: number;
  subleaf?: number;
  [register: string]: number | string | undefined;
}

const open = "x".repeat(32);

/**
 * What CPUID is to say: "host,sse3=0,vmx=1", or leaves as "1:ecx=xxxx...,eax=...". In libxl's JSON; undefined: all as Xen likes
 * it. Throws VirError.
 */
export function readCpuid(texts: readonly string[]): { cpuid: readonly object[]; msr: readonly object[] } | undefined {
  const leaves: Leaf[] = [];
  for (const text of texts) {
    if (/^(0x)?[\da-f]+(,\d+)?:/i.test(text)) leaves.push(readLeaf(text));
    else readPolicy(text, leaves);
  }
  return leaves.length === 0 ? undefined : { cpuid: leaves, msr: [] };
}

function readPolicy(text: string, leaves: Leaf[]): void {
  const [first = "", ...settings] = text.split(",").map((part) => part.trim());
  if (first !== "host") throw wrong("cpuid", `has an unknown policy '${first}'`);
  for (const setting of settings) {
    const [name = "", value = ""] = setting.split("=").map((part) => part.trim());
    const place = placeOf(Object.hasOwn(names, name) ? (names[name] ?? name) : name);
    if (place === undefined) throw wrong("cpuid", `has an unknown feature '${name}'`);
    if (!["0", "1", "x", "k", "s"].includes(value)) throw wrong("cpuid", `has an unknown value '${value}'`);
    const { leaf, subleaf, register, bit } = place;
    let own = leaves.find((each) => each.leaf === leaf && each.subleaf === subleaf);
    if (own === undefined) {
      own = subleaf === undefined ? { leaf } : { leaf, subleaf };
      leaves.push(own);
    }
    const bits = String(own[register] ?? open);
    own[register] = bits.slice(0, 31 - bit) + value + bits.slice(32 - bit);
  }
}

function readLeaf(text: string): Leaf {
  const [, number = "", sub, rest = ""] = /^(?:0x)?([\da-f]+)(?:,(\d+))?:(.*)$/i.exec(text) ?? [];
  const leaf: Leaf = { leaf: Number.parseInt(number, 16), ...(sub === undefined ? {} : { subleaf: Number(sub) }) };
  for (const part of rest.split(",")) {
    const [register = "", bits = ""] = part.split("=").map((each) => each.trim());
    if (!/^e[abcd]x$/.test(register) || !/^[01xks]{32}$/.test(bits)) throw wrong("cpuid", `has no register: '${part}'`);
    leaf[register] = bits;
  }
  return leaf;
}

/** As `readCpuid` reads it; undefined when it says nothing. */
export function writeCpuid(cpuid: unknown): string | undefined {
  const list = Array.isArray(cpuid) ? cpuid : (cpuid as { cpuid?: unknown } | undefined)?.cpuid;
  const words = ((list ?? []) as Leaf[]).flatMap((policy) =>
    ["eax", "ebx", "ecx", "edx"].flatMap((register) =>
      Array.from(String(policy[register] ?? ""), (sign, at) => {
        const { leaf, subleaf } = policy;
        const name = sign === "x" ? undefined : featureAt({ leaf, subleaf, register, bit: 31 - at });
        return name === undefined ? [] : [`${xenName(name)}=${sign}`];
      })
        .reverse()
        .flat(),
    ),
  );
  return words.length === 0 ? undefined : ["host", ...words].join(",");
}

function xenName(name: string): string {
  return Object.keys(names).find((key) => names[key] === name) ?? name;
}
