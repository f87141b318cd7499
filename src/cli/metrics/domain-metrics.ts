import type { TypedParam } from "../../protocol/index.ts";
import type { Family, Labels, Sample } from "./exposition.ts";

/** A domain's statistics, as virConnectGetAllDomainStats tells them. */
export interface DomainStats {
  readonly name: string;
  readonly uuid: string;
  readonly hypervisor: string;
  readonly params: readonly TypedParam[];
}

/** Statistics that are asked for: state, CPU, balloon, processors, interfaces and disks. */
export const statsWanted = 1 | 2 | 4 | 8 | 16 | 32;

interface Row {
  readonly name: string;
  readonly type: Family["type"];
  readonly help: string;
  readonly from: string;
  /** What a unit of libvirt's is in ours. */
  readonly factor?: number;
}

const nanosecond = 1e-9;
const kibibyte = 1_024;

const ofDomain: readonly Row[] = [
  { name: "libvirt_domain_info_vstate", type: "gauge", help: "Its state: virDomainState.", from: "state.state" },
  {
    name: "libvirt_domain_info_cpu_time_seconds_total",
    type: "counter",
    help: "Time of the host's processors that it has had.",
    from: "cpu.time",
    factor: nanosecond,
  },
  {
    name: "libvirt_domain_info_memory_usage_bytes",
    type: "gauge",
    help: "Memory that it has.",
    from: "balloon.current",
    factor: kibibyte,
  },
  {
    name: "libvirt_domain_info_maximum_memory_bytes",
    type: "gauge",
    help: "Memory that it may have.",
    from: "balloon.maximum",
    factor: kibibyte,
  },
  { name: "libvirt_domain_info_virtual_cpus", type: "gauge", help: "Processors that it has.", from: "vcpu.current" },
];

const ofDisk: readonly Row[] = [
  { name: "libvirt_domain_block_stats_read_bytes_total", type: "counter", help: "Bytes read.", from: "rd.bytes" },
  {
    name: "libvirt_domain_block_stats_read_requests_total",
    type: "counter",
    help: "Requests to read.",
    from: "rd.reqs",
  },
  {
    name: "libvirt_domain_block_stats_read_time_seconds_total",
    type: "counter",
    help: "Time spent reading.",
    from: "rd.times",
    factor: nanosecond,
  },
  { name: "libvirt_domain_block_stats_write_bytes_total", type: "counter", help: "Bytes written.", from: "wr.bytes" },
  {
    name: "libvirt_domain_block_stats_write_requests_total",
    type: "counter",
    help: "Requests to write.",
    from: "wr.reqs",
  },
  {
    name: "libvirt_domain_block_stats_write_time_seconds_total",
    type: "counter",
    help: "Time spent writing.",
    from: "wr.times",
    factor: nanosecond,
  },
  {
    name: "libvirt_domain_block_stats_flush_requests_total",
    type: "counter",
    help: "Requests to flush.",
    from: "fl.reqs",
  },
];

const ofCard: readonly Row[] = ["receive", "transmit"].flatMap((direction) =>
  ["bytes", "packets", "errors", "drops"].map((what) => ({
    name: `libvirt_domain_interface_stats_${direction}_${what}_total`,
    type: "counter" as const,
    help: `${what[0]?.toUpperCase()}${what.slice(1)}: ${direction}, as the guest sees it.`,
    from: `${direction === "receive" ? "rx" : "tx"}.${{ bytes: "bytes", packets: "pkts", errors: "errs", drops: "drop" }[what]}`,
  })),
);

/** Of all domains, by the names that the exporters for Prometheus use. */
export function domainFamilies(domains: readonly DomainStats[]): Family[] {
  const read = domains.map(({ params, ...domain }) => ({
    ...domain,
    values: new Map(params.map(({ field, value }) => [field, value.value])),
  }));
  const families = new Map<string, { row: Row; samples: Sample[] }>();
  const add = (rows: readonly Row[], values: Map<string, unknown>, prefix: string, labels: Labels): void => {
    for (const row of rows) {
      const value = values.get(`${prefix}${row.from}`);
      if (typeof value !== "number" && typeof value !== "bigint") continue;
      const family = families.get(row.name) ?? { row, samples: [] };
      families.set(row.name, family);
      family.samples.push({ labels, value: row.factor === undefined ? value : Number(value) * row.factor });
    }
  };
  for (const { name, uuid, hypervisor, values } of read) {
    const domain = { domain: name, uuid, hypervisor };
    add(ofDomain, values, "", domain);
    for (const at of indices(values, "block.count"))
      add(ofDisk, values, `block.${at}.`, {
        ...domain,
        source_file: text(values, `block.${at}.path`),
        target_device: text(values, `block.${at}.name`),
      });
    for (const at of indices(values, "net.count"))
      add(ofCard, values, `net.${at}.`, { ...domain, target_device: text(values, `net.${at}.name`) });
  }
  return [...families.values()].map(({ row: { name, type, help }, samples }) => ({ name, type, help, samples }));
}

function indices(values: ReadonlyMap<string, unknown>, field: string): number[] {
  return Array.from({ length: Number(values.get(field) ?? 0) }, (_, index) => index);
}

function text(values: ReadonlyMap<string, unknown>, field: string): string {
  const value = values.get(field);
  return typeof value === "string" ? value : "";
}
