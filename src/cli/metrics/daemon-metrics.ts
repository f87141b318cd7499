import type { CallTotals } from "../../daemon/index.ts";
import type { HypervisorLoad } from "../../driver/driver.ts";
import { type DurationCounts, durationBounds } from "../../event/index.ts";
import type { Family, Labels, Sample } from "./exposition.ts";

/** The daemon at one moment. */
export interface DaemonReport {
  readonly calls: readonly CallTotals[];
  /** By door. */
  readonly clients: ReadonlyMap<string, number>;
  readonly anonymousClients: number;
  readonly callsUnderWay: number;
  /** Of each client whose calls wait. */
  readonly queueLengths: readonly number[];
  /** By hypervisor, of those that know. */
  readonly loads: ReadonlyMap<string, HypervisorLoad>;
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
      samples: calls.flatMap(({ name, durations }) => histogram({ call: name }, durations)),
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
    gauge(
      "virtwright_calls_waiting",
      "Calls that have come and not been begun: of all clients, and of the one with most.",
      [
        { labels: { of: "all" }, value: report.queueLengths.reduce((sum, length) => sum + length, 0) },
        { labels: { of: "one" }, value: Math.max(0, ...report.queueLengths) },
      ],
    ),
    ...loadFamilies(report.loads),
    gauge("virtwright_event_loop_delay_seconds", "How late the event loop was since the last look.", [
      { labels: { quantile: "0.5" }, value: loopDelay.p50 / 1_000 },
      { labels: { quantile: "0.99" }, value: loopDelay.p99 / 1_000 },
      { labels: { quantile: "1" }, value: loopDelay.max / 1_000 },
    ]),
    counter("virtwright_journal_position", "The number of the last event in the journal.", positions),
    gauge("process_resident_memory_bytes", "Memory of the daemon.", [{ value: report.memory }]),
  ];
}

function loadFamilies(loads: DaemonReport["loads"]): Family[] {
  const all = [...loads].map(([hypervisor, load]) => ({ hypervisor, ...load }));
  const silent = all.flatMap(({ hypervisor, silent }) => (silent === undefined ? [] : [{ hypervisor, silent }]));
  return [
    {
      name: "virtwright_job_wait_seconds",
      type: "histogram",
      help: "How long calls waited for their turn at a domain.",
      samples: all.flatMap(({ hypervisor, jobWaits }) => [
        ...histogram({ hypervisor, result: "begun" }, jobWaits.begun),
        ...histogram({ hypervisor, result: "given_up" }, jobWaits.givenUp),
      ]),
    },
    gauge(
      "virtwright_jobs_waiting",
      "Calls that wait for their turn at a domain.",
      all.map(({ hypervisor, jobWaits }) => ({ labels: { hypervisor }, value: jobWaits.waiting })),
    ),
    gauge(
      "virtwright_unresponsive_domains",
      "Domains whose monitor owes an answer whose deadline has passed.",
      silent.map(({ hypervisor, silent: domains }) => ({ labels: { hypervisor }, value: domains.length })),
    ),
    gauge(
      "virtwright_domain_silence_seconds",
      "For how long it has been so.",
      silent.flatMap(({ hypervisor, silent: domains }) =>
        domains.map(({ name, uuid, silenceMs }) => ({
          labels: { domain: name, uuid, hypervisor },
          value: silenceMs / 1_000,
        })),
      ),
    ),
  ];
}

function histogram(labels: Labels, { within, count, totalMs }: DurationCounts): Sample[] {
  const buckets = durationBounds.map((bound, index) => ({
    suffix: "_bucket",
    labels: { ...labels, le: String(bound / 1_000) },
    value: within[index] ?? 0,
  }));
  return [
    ...buckets,
    { suffix: "_bucket", labels: { ...labels, le: "+Inf" }, value: count },
    { suffix: "_sum", labels, value: totalMs / 1_000 },
    { suffix: "_count", labels, value: count },
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "gauge", help, samples };
}

function counter(name: string, help: string, samples: readonly Sample[]): Family {
  return { name, type: "counter", help, samples };
}
