import type { Domain, ParamsInput, ParamValues } from "../../open/index.ts";
import { affected, affects } from "./domain-act.ts";
import { findDomain } from "./lookup.ts";
import { type Facts, type Given, PlainFailure, type Showing, type Verbs } from "./verb.ts";

type Places = readonly ("live" | "config")[];

/** How a verb shows and changes named values of a domain. */
interface Limits {
  readonly help: string;
  readonly parameters: readonly string[];
  /** What is asked for: nothing when the values are to be shown. Throws PlainFailure. */
  readonly wanted: (given: Given) => ParamsInput;
  readonly get: (domain: Domain, flags: Places, given: Given) => Promise<ParamValues>;
  readonly set: (domain: Domain, values: ParamsInput, flags: Places, given: Given) => Promise<unknown>;
  /** What is said when that is done. Default: nothing. */
  readonly said?: (values: ParamsInput) => string;
  /** What the first line says when showing or changing fails. */
  readonly failures: readonly [get: string, set: string];
  /** How a value is written. */
  readonly text?: ValueText;
}

function limits({ help, parameters, wanted, get, set, failures, said = () => "", text }: Limits): Showing {
  const isChange = (given: Given): boolean =>
    parameters.slice(parameters.findIndex((each) => each.includes("?"))).some((each) => {
      const name = each.replace(/[?#.]+$/, "");
      return given.text(name) !== undefined || given.list(name).length > 0;
    });
  return {
    help,
    parameters: ["domain", ...parameters],
    flags: affects,
    failure: (given) => failures[isChange(given) ? 1 : 0],
    show: async (connection, given) => {
      const flags = affected(given);
      const domain = await findDomain(connection, given.need("domain"));
      const values = wanted(given);
      if (Object.keys(values).length === 0) return valuesText(await get(domain, flags, given), text);
      await set(domain, values, flags, given);
      return said(values);
    },
  };
}

type ValueText = (name: string, value: ParamValues[string]) => string;

/** "weight         : 500" */
export function valuesText(object: ParamValues, text?: ValueText): Facts {
  return { text: valuesOf(object, text), object };
}

function valuesOf(values: ParamValues, text: ValueText = (_, value) => String(value)): string {
  const lines = Object.entries(values).map(([name, value]) => `${name.padEnd(15)}: ${text(name, value)}\n`);
  return lines.join("");
}

/** libvirt's number for "as much as there is", in KiB. */
const unlimited = 9_007_199_254_740_991n;

const memoryOptions = {
  "hard-limit": "hard_limit",
  "soft-limit": "soft_limit",
  "swap-hard-limit": "swap_hard_limit",
  "min-guarantee": "min_guarantee",
} as const;

function memoryWanted(given: Given): ParamsInput {
  const wanted = Object.entries(memoryOptions).flatMap(([option, field]) => {
    const text = given.text(option);
    if (text === undefined) return [];
    if (/^-\d+$/.test(text)) return [[field, unlimited] as const];
    const bytes = /^\d/.test(text) ? given.bytes(option, 1024n) : undefined;
    if (bytes === undefined) throw new PlainFailure(`Unable to parse integer parameter ${option}`);
    return [[field, (bytes + 1023n) / 1024n] as const];
  });
  return Object.fromEntries(wanted);
}

const blkioOptions = {
  "device-weights": "device_weight",
  "device-read-iops-sec": "device_read_iops_sec",
  "device-write-iops-sec": "device_write_iops_sec",
  "device-read-bytes-sec": "device_read_bytes_sec",
  "device-write-bytes-sec": "device_write_bytes_sec",
} as const;

function blkioWanted(given: Given): ParamsInput {
  const weight = given.integer("weight");
  if (weight !== undefined && weight <= 0) throw new PlainFailure(`Invalid value of ${weight} for I/O weight`);
  const devices = Object.entries(blkioOptions).flatMap(([option, field]) => {
    const text = given.text(option);
    return text === undefined ? [] : [[field, text] as const];
  });
  return { ...(weight !== undefined && { weight }), ...Object.fromEntries(devices) };
}

/** VIR_DOMAIN_NUMATUNE_MEM_*, in their order. */
const numaModes = ["strict", "preferred", "interleave", "restrictive"];

function numaWanted(given: Given): ParamsInput {
  const [mode, nodeset] = [given.text("mode"), given.text("nodeset")];
  const at = mode === undefined ? -1 : /^\d+$/.test(mode) ? Number(mode) : numaModes.indexOf(mode);
  if (mode !== undefined && at < 0) throw new PlainFailure(`Invalid mode: ${mode}`);
  return {
    ...(nodeset !== undefined && { numa_nodeset: nodeset }),
    ...(mode !== undefined && { numa_mode: { type: "int" as const, value: at } }),
  };
}

const throttled = ["bytes-sec", "iops-sec", "bytes-sec-max", "iops-sec-max"];
const throttledLengths = ["bytes-sec-max-length", "iops-sec-max-length"];
const ways = (what: string): readonly string[] => ["total", "read", "write"].map((way) => `${way}-${what}`);
/** Counts that people write with a unit: before the group's name, and behind it. */
const throttles = [...throttled.flatMap(ways), "size-iops-sec"];
const throttleLengths = throttledLengths.flatMap(ways);

function scaledOf(given: Given, option: string): bigint | undefined {
  try {
    return given.bytes(option, 1n);
  } catch (error) {
    throw new PlainFailure(`${(error as Error).message}\nerror: Unable to parse integer parameter`, { cause: error });
  }
}

function throttleWanted(given: Given): ParamsInput {
  const counts = [...throttles, ...throttleLengths].flatMap((option) => {
    const value = scaledOf(given, option);
    return value === undefined ? [] : [[option.replaceAll("-", "_"), value] as const];
  });
  const group = given.text("group-name");
  return { ...Object.fromEntries(counts), ...(group !== undefined && { group_name: group }) };
}

/** "average,peak,burst,floor": those in the middle may be empty. Throws PlainFailure. */
function rateWanted(given: Given): ParamsInput {
  const wanted = ["inbound", "outbound"].flatMap((direction) => {
    const text = given.text(direction);
    if (text === undefined) return [];
    const parts = text.split(",");
    const names = ["average", "peak", "burst", "floor"];
    if (parts.length > names.length) throw new PlainFailure(`Rate string '${text}' has too many fields`);
    const wrong = parts.findIndex((part) => !/^\d*$/.test(part));
    if (wrong >= 0) throw new PlainFailure(`field '${names[wrong]}' is malformed`);
    if (direction === "outbound" && (parts[3] ?? "") !== "")
      throw new PlainFailure("outbound floor is unsupported yet");
    if (parts[0] === "" && (parts[3] ?? "") === "")
      throw new PlainFailure(
        `${direction === "inbound" ? "either inbound average or floor" : "outbound average"} is mandatory`,
      );
    if (parts[0] === "0") return [[`${direction}.average`, 0] as const];
    return parts.flatMap((part, at) => (part === "" ? [] : [[`${direction}.${names[at]}`, Number(part)] as const]));
  });
  return Object.fromEntries(wanted);
}

function perfWanted(given: Given): ParamsInput {
  const events = (name: string): string[] => given.text(name)?.split(",") ?? [];
  return Object.fromEntries([
    ...events("enable").map((name) => [name, true] as const),
    ...events("disable").map((name) => [name, false] as const),
  ]);
}

const number = (name: string): string => `${name}?#`;

const enabledText = (_: string, value: ParamValues[string]): string => (value === true ? "enabled" : "disabled");

/** What people script about how much of the host a domain may use. */
export const limitVerbs: Verbs = {
  memtune: limits({
    help: "shows or says how much memory of the host a domain may use",
    parameters: Object.keys(memoryOptions).map(number),
    wanted: memoryWanted,
    get: (domain, flags) => domain.getMemoryParameters({ flags }),
    set: (domain, values, flags) => domain.setMemoryParameters(values, { flags }),
    failures: ["Unable to get number of memory parameters", "Unable to change memory parameters"],
    text: (_, value) => (value === unlimited ? "unlimited" : String(value)),
  }),
  blkiotune: limits({
    help: "shows or says how much a domain may read and write",
    parameters: ["weight?#", ...Object.keys(blkioOptions).map((name) => `${name}?`)],
    wanted: blkioWanted,
    get: (domain, flags) => domain.getBlkioParameters({ flags }),
    set: (domain, values, flags) => domain.setBlkioParameters(values, { flags }),
    failures: ["Unable to get number of blkio parameters", "Unable to change blkio parameters"],
  }),
  numatune: limits({
    help: "shows or says from which NUMA nodes a domain has its memory",
    parameters: ["mode?", "nodeset?"],
    wanted: numaWanted,
    get: (domain, flags) => domain.getNumaParameters({ flags }),
    set: (domain, values, flags) => domain.setNumaParameters(values, { flags }),
    failures: ["Unable to get numa parameters", "Unable to change numa parameters"],
    text: (name, value) => (name === "numa_mode" ? (numaModes[Number(value)] ?? String(value)) : String(value)),
  }),
  blkdeviotune: limits({
    help: "shows or says how much a disk of a domain may read and write",
    parameters: ["device", ...throttles.map(number), "group-name?", ...throttleLengths.map(number)],
    wanted: throttleWanted,
    get: (domain, flags, given) => domain.getBlockIoTune(given.need("device"), { flags }),
    set: (domain, params, flags, given) => domain.setBlockIoTune({ disk: given.need("device"), params }, { flags }),
    failures: ["Unable to get block I/O throttle parameters", "Unable to change block I/O throttle"],
  }),
  domiftune: limits({
    help: "shows or says how fast a card of a domain may be",
    parameters: ["interface", "inbound?", "outbound?"],
    wanted: rateWanted,
    get: (domain, flags, given) => domain.getInterfaceParameters(given.need("interface"), { flags }),
    set: (domain, params, flags, given) =>
      domain.setInterfaceParameters({ device: given.need("interface"), params }, { flags }),
    failures: ["Unable to get interface parameters", "Unable to set interface parameters"],
  }),
  perf: limits({
    help: "shows or says what is counted of what a domain's processors do",
    parameters: ["enable?", "disable?"],
    wanted: perfWanted,
    get: (domain, flags) => domain.getPerfEvents({ flags }),
    set: (domain, values, flags) => domain.setPerfEvents(values, { flags }),
    failures: ["Unable to get perf events", "Unable to enable/disable perf events"],
    said: (values) => valuesOf(values as ParamValues, enabledText),
    text: enabledText,
  }),
};
