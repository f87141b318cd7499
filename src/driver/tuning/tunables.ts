import { ErrorCode, ErrorDomain, type TypedParam, type TypedValue, VirError } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import { formatCpuList, parseCpuList } from "./cpu-list.ts";
import { deviceTunables } from "./device-weights.ts";

/** A named value, and where it stands in an element of the definition. */
export interface Tunable {
  readonly field: string;
  /** What stands there, or what it means that nothing does. */
  readonly read: (element: Element) => TypedValue;
  /** Absent: it cannot be set. */
  readonly write?: (element: Element, value: TypedValue) => void;
}

/**
 * Refuses parameters that are not there, of another type, or given twice; `types` are those that can be set. Throws
 * VirError.
 */
export function checkParams(
  params: readonly TypedParam[],
  types: Readonly<Record<string, TypedValue["type"] | undefined>>,
): void {
  const fields = [...params].sort((one, other) => (one.field < other.field ? -1 : Number(one.field > other.field)));
  for (const [index, { field, value }] of fields.entries()) {
    const expected = types[field];
    if (expected === undefined) {
      throw VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.none, `parameter '${field}' not supported`);
    }
    if (value.type !== expected) {
      throw wrongParam(`invalid type '${value.type}' for parameter '${field}', expected '${expected}'`);
    }
    if (field === fields[index - 1]?.field) throw wrongParam(`parameter '${field}' occurs multiple times`);
  }
}

function wrongParam(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.none, detail);
}

/** The largest number of KiB whose bytes fit into 63 bits stands for no limit. */
const unlimited = 9_007_199_254_740_991n;

export const memoryTunables: readonly Tunable[] = ["hard_limit", "soft_limit", "swap_hard_limit"].map((field) => ({
  field,
  read: (domain) => ({ type: "ullong", value: whole(domain.find("memtune", field)?.text) ?? unlimited }),
  write: (domain, { value }) => {
    const limits = enter(domain, "memtune");
    if (value === unlimited)
      limits.children.splice(0, Infinity, ...limits.elements().filter(({ name }) => name !== field));
    else {
      const limit = enter(limits, field);
      limit.setAttribute("unit", "KiB");
      limit.setText(String(value));
    }
    leaveEmpty(domain, limits);
  },
}));

export const weightTunables: readonly Tunable[] = [
  {
    field: "weight",
    read: (domain) => ({ type: "uint", value: Number(domain.find("blkiotune", "weight")?.text ?? 0) }),
    write: (domain, { value }) => enter(enter(domain, "blkiotune"), "weight").setText(String(value)),
  },
  ...deviceTunables,
];

const numaModes = ["strict", "preferred", "interleave", "restrictive"];

export const numaTunables: readonly Tunable[] = [
  {
    field: "numa_mode",
    read: (domain) => {
      const mode = domain.find("numatune", "memory")?.attribute("mode") ?? "strict";
      return { type: "int", value: numaModes.indexOf(mode) };
    },
    write: (domain, value) => {
      numaMemory(domain).setAttribute("mode", numaModes[Number(value.value)] ?? "strict");
    },
  },
  {
    field: "numa_nodeset",
    read: (domain) => ({ type: "string", value: domain.find("numatune", "memory")?.attribute("nodeset") ?? "" }),
    write: (domain, { value }) => {
      const nodes = parseCpuList(String(value));
      if (nodes.length === 0) throw wrongParam(`Failed to parse bitmap '${String(value)}'`);
      numaMemory(domain).setAttribute("nodeset", formatCpuList(nodes));
    },
  },
];

/** To be asked before it is written. `driver` is for the error. Throws VirError. */
export function checkNumaModeNumber({ value }: Pick<TypedValue, "value">, driver: ErrorDomain): void {
  if (numaModes[Number(value)] !== undefined) return;
  throw VirError.of(ErrorCode.invalidArg, driver, `unsupported numatune mode: '${Number(value)}'`);
}

function numaMemory(domain: Element): Element {
  const memory = enter(enter(domain, "numatune"), "memory");
  if (memory.attribute("mode") === undefined) memory.setAttribute("mode", "strict");
  return memory;
}

const perfEvents =
  "cmt mbmt mbml cpu_cycles instructions cache_references cache_misses branch_instructions branch_misses bus_cycles " +
  "stalled_cycles_frontend stalled_cycles_backend ref_cpu_cycles cpu_clock task_clock page_faults context_switches " +
  "cpu_migrations page_faults_min page_faults_maj alignment_faults emulation_faults";

export const perfTunables: readonly Tunable[] = perfEvents.split(" ").map((field) => ({
  field,
  read: (domain) => ({ type: "boolean", value: eventIn(domain, field)?.attribute("enabled") === "yes" }),
  write: (domain, { value }) => {
    const enabled = value === true ? "yes" : "no";
    const event = eventIn(domain, field);
    if (event === undefined) enter(domain, "perf").children.push(new Element("event", { name: field, enabled }));
    else event.setAttribute("enabled", enabled);
  },
}));

function eventIn(domain: Element, name: string): Element | undefined {
  return domain
    .first("perf")
    ?.all("event")
    .find((each) => each.attribute("name") === name);
}

const bandwidths =
  "inbound.average inbound.peak inbound.burst inbound.floor outbound.average outbound.peak outbound.burst";

export const interfaceTunables: readonly Tunable[] = bandwidths.split(" ").map((field) => {
  const [direction = "", attribute = ""] = field.split(".");
  return {
    field,
    read: (each) => ({ type: "uint", value: Number(each.find("bandwidth", direction)?.attribute(attribute) ?? 0) }),
    write: (each, { value }) => {
      const bandwidth = enter(each, "bandwidth");
      const limits = enter(bandwidth, direction);
      if (value === 0) limits.removeAttribute(attribute);
      else limits.setAttribute(attribute, String(value));
      const isLimited = ["average", "floor"].some((name) => limits.attribute(name) !== undefined);
      if (!isLimited) bandwidth.children.splice(bandwidth.children.indexOf(limits), 1);
      leaveEmpty(each, bandwidth);
    },
  };
});

const blockLimits =
  "total_bytes_sec read_bytes_sec write_bytes_sec total_iops_sec read_iops_sec write_iops_sec total_bytes_sec_max " +
  "read_bytes_sec_max write_bytes_sec_max total_iops_sec_max read_iops_sec_max write_iops_sec_max size_iops_sec " +
  "group_name total_bytes_sec_max_length read_bytes_sec_max_length write_bytes_sec_max_length " +
  "total_iops_sec_max_length read_iops_sec_max_length write_iops_sec_max_length";

/** No limit is written down as 0. */
export const blockTunables: readonly Tunable[] = blockLimits.split(" ").map((field) => ({
  field,
  read: (disk) => {
    const text = disk.find("iotune", field)?.text;
    return field === "group_name"
      ? { type: "string", value: text ?? "" }
      : { type: "ullong", value: whole(text) ?? 0n };
  },
  write: (disk, { value }) => {
    const limits = enter(disk, "iotune");
    if (value === 0n) limits.children.splice(0, Infinity, ...limits.elements().filter(({ name }) => name !== field));
    else enter(limits, field).setText(String(value));
    leaveEmpty(disk, limits);
  },
}));

/** Undefined for what is no number. */
function whole(text: string | undefined): bigint | undefined {
  return text !== undefined && /^\s*\d+\s*$/.test(text) ? BigInt(text) : undefined;
}

/** The child of that name, made where it is missing. */
function enter(element: Element, name: string): Element {
  const known = element.first(name);
  if (known !== undefined) return known;
  const child = new Element(name);
  element.children.push(child);
  return child;
}

function leaveEmpty(parent: Element, child: Element): void {
  if (child.elements().length === 0) parent.children.splice(parent.children.indexOf(child), 1);
}
