import type { Domain, Journal } from "../../../model/index.ts";
import type { DomainEvent, DomainReport, TypedParam } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import type { Operations } from "../operations.ts";
import { cpuTimeOf } from "../processes.ts";

/** Domains in one answer: what is made in one go. */
const pageSize = 500;
/** With XML it ends behind the domain whose text makes it so long, in characters: a reply has its limit. */
const pageLength = 1_048_576;

/**
 * Everything about all domains, at once: nobody is asked for it, so that one that does not answer keeps nobody. What is
 * said of such a one is as old as its silence.
 */
export function reportProcedures(operations: Operations, journal: Journal<DomainEvent>): DriverProcedures {
  const orders = new WeakMap<Domain, number>();
  let last = 0;
  /** Pages go on behind a domain, and those that have gone meanwhile change nothing about the others. */
  const orderOf = (domain: Domain): number => {
    const order = orders.get(domain) ?? ++last;
    orders.set(domain, order);
    return order;
  };
  return {
    snapshot: ({ start, limit, stats, withXml }) => {
      const { journal: id, run, sequence } = journal.position;
      const rest = Array.from(operations.guests.domains).filter((domain) => BigInt(orderOf(domain)) >= start);
      const most = Math.min(limit === 0 ? pageSize : limit, pageSize, rest.length);
      const page: DomainReport[] = [];
      for (let length = 0; length < pageLength && page.length < most; ) {
        const report = reportOf(operations, rest[page.length] as Domain, stats, withXml);
        length += report.xml?.length ?? 0;
        page.push(report);
      }
      const next = rest[page.length];
      return {
        position: { journal: id, run, sequence: BigInt(sequence) },
        domains: page,
        next: next === undefined ? 0n : BigInt(orderOf(next)),
      };
    },
  };
}

function reportOf({ guests, autostarts }: Operations, domain: Domain, stats: number, withXml: boolean): DomainReport {
  const { reference: dom, status, persistent, definition, id } = domain;
  const run = guests.runOf(domain);
  return {
    dom,
    ...status,
    persistent: persistent !== undefined,
    autostart: autostarts.has(domain),
    ageMs: BigInt(Math.round(run?.silenceMs ?? 0)),
    stats: stats === 0 ? [] : statsOf(domain, stats, run?.pid),
    xml: withXml ? (definition?.toXml(id < 0 ? undefined : id) ?? null) : null,
  };
}

/** Of virDomainStatsTypes those that are known without asking: state, CPU time, balloon, vcpus. */
function statsOf({ status, definition }: Domain, types: number, pid: number | undefined): TypedParam[] {
  const params: TypedParam[] = [];
  const int = (field: string, value: number): unknown => params.push({ field, value: { type: "int", value } });
  const uint = (field: string, value: number): unknown => params.push({ field, value: { type: "uint", value } });
  const ullong = (field: string, value: bigint): unknown => params.push({ field, value: { type: "ullong", value } });
  if ((types & 1) !== 0) {
    int("state.state", status.state);
    int("state.reason", status.reason);
  }
  const used = (types & 2) === 0 ? undefined : cpuTimeOf(pid);
  if (used !== undefined) ullong("cpu.time", used.userNs + used.systemNs);
  if ((types & 4) !== 0) {
    ullong("balloon.current", BigInt(definition?.currentMemoryKib ?? 0));
    ullong("balloon.maximum", BigInt(definition?.memoryKib ?? 0));
  }
  if ((types & 8) !== 0) {
    uint("vcpu.current", definition?.vcpus ?? 0);
    uint("vcpu.maximum", definition?.maxVcpus ?? 0);
  }
  return params;
}
