import type { TypedValue } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";

/** A named value, and where it stands in an element of the definition. */
export interface Tunable {
  readonly field: string;
  /** What stands there, or what it means that nothing does. */
  readonly read: (element: Element) => TypedValue;
  /** Absent: it cannot be set. */
  readonly write?: (element: Element, value: TypedValue) => void;
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
  ...[
    "device_weight",
    "device_read_iops_sec",
    "device_write_iops_sec",
    "device_read_bytes_sec",
    "device_write_bytes_sec",
  ].map((field): Tunable => ({ field, read: () => ({ type: "string", value: "" }) })),
];

const numaModes = ["strict", "preferred", "interleave", "restrictive"];

export const numaTunables: readonly Tunable[] = [
  {
    field: "numa_mode",
    read: (domain) => {
      const mode = domain.find("numatune", "memory")?.attribute("mode") ?? "strict";
      return { type: "int", value: numaModes.indexOf(mode) };
    },
    write: (domain, { value }) => numaMemory(domain).setAttribute("mode", numaModes[Number(value)] ?? "strict"),
  },
  {
    field: "numa_nodeset",
    read: (domain) => ({ type: "string", value: domain.find("numatune", "memory")?.attribute("nodeset") ?? "" }),
    write: (domain, { value }) => numaMemory(domain).setAttribute("nodeset", String(value)),
  },
];

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
      if (limits.attribute("average") === undefined) bandwidth.children.splice(bandwidth.children.indexOf(limits), 1);
      leaveEmpty(each, bandwidth);
    },
  };
});

const blockLimits =
  "total_bytes_sec read_bytes_sec write_bytes_sec total_iops_sec read_iops_sec write_iops_sec total_bytes_sec_max " +
  "read_bytes_sec_max write_bytes_sec_max total_iops_sec_max read_iops_sec_max write_iops_sec_max size_iops_sec " +
  "group_name total_bytes_sec_max_length read_bytes_sec_max_length write_bytes_sec_max_length " +
  "total_iops_sec_max_length read_iops_sec_max_length write_iops_sec_max_length";

/** They can be looked at alone. */
export const blockTunables: readonly Tunable[] = blockLimits.split(" ").map((field) => ({
  field,
  read: (disk) => {
    const text = disk.find("iotune", field)?.text;
    return field === "group_name"
      ? { type: "string", value: text ?? "" }
      : { type: "ullong", value: whole(text) ?? 0n };
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
