import { type CallTotals, durationBounds } from "../../daemon/index.ts";
import type { Family, Sample } from "./exposition.ts";

/** The daemon at one moment. */
export interface DaemonReport {
  readonly calls: readonly CallTotals[];
  /** By door. */
  readonly clients: ReadonlyMap<string, number>;
  readonly anonymousClients: number;
  readonly callsUnderWay: number;
  /** By hypervisor: the number of the last event; undefined for one that could not be asked. */
  readonly hypervisors: ReadonlyMap<string, number | undefined>;
  /** Of the event loop, in ms: how late it was since the last report. */
  readonly loopDelay: { readonly p50: number; readonly p99: number; readonly max: number };
  /** In bytes. */
  readonly memory: number;
}

export function daemonFamilies(report: DaemonReport): Family[] {
  const { calls, clients, hypervisors, loopDelay } = report;
  const positions = [...hypervisors].flatMap(([hypervisor, value]) =>
    value === undefined ? [] : [{ labels: { hypervisor }, value }],
  );
  return [
    gauge(
      "libvirt_up",
      "Whether the hypervisor could be asked.",
      [...hypervisors].map(([hypervisor, value]) => ({ labels: { hypervisor }, value: Number(value !== undefined) })),
    ),
    counter(
      "virtwright_calls_total",
      "Calls that were answered.",
      calls.flatMap(({ name, done, failed }) => [
        { labels: { call: name, result: "done" }, value: done },
        { labels: { call: name, result: "failed" }, value: failed },
      ]),
    ),
    {
      name: "virtwright_call_duration_seconds",
      type: "histogram",
      help: "From a call's arrival to its answer.",
      samples: calls.flatMap(histogram),
    },
    gauge(
      "virtwright_clients",
      "Connections.",
      [...clients].map(([door, value]) => ({ labels: { door }, value })),
    ),
    gauge("virtwright_anonymous_clients", "Connections that have not logged in yet.", [
      { value: report.anonymousClients },
    ]),
    gauge("virtwright_calls_under_way", "Calls that have not been answered yet.", [{ value: report.callsUnderWay }]),
    gauge("virtwright_event_loop_delay_seconds", "How late the event loop was since the last look.", [
      { labels: { quantile: "0.5" }, value: loopDelay.p50 / 1_000 },
      { labels: { quantile: "0.99" }, value: loopDelay.p99 / 1_000 },
      { labels: { quantile: "1" }, value: loopDelay.max / 1_000 },
    ]),
    counter("virtwright_journal_position", "The number of the last event in the journal.", positions),
    gauge("process_resident_memory_bytes", "Memory of the daemon.", [{ value: report.memory }]),
  ];
}

function histogram({ name, within, done, failed, totalMs }: CallTotals): Sample[] {
  const count = done + failed;
  const buckets = durationBounds.map((bound, index) => ({
    suffix: "_bucket",
    labels: { call: name, le: String(bound / 1_000) },
    value: within[index] ?? 0,
  }));
  return [
    ...buckets,
    { suffix: "_bucket", labels: { call: name, le: "+Inf" }, value: count },
    { suffix: "_sum", labels: { call: name }, value: totalMs / 1_000 },
    { suffix: "_count", labels: { call: name }, value: count },
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "gauge", help, samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "counter", help, samples };
}
