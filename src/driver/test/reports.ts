import type { DomainReport, TypedParam } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import type { EventLog } from "../event-log.ts";
import { formatDefinition } from "./canonical.ts";
import type { Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";
import { statsOf } from "./statistics.ts";

/** Domains in one answer: what is made in one go. */
const pageSize = 500;

/** Everything about all domains. It is always of this moment: there is nobody who would have to be asked. */
export function reportProcedures(hypervisor: Hypervisor, { journal }: EventLog): DriverProcedures {
  return {
    snapshot: ({ start, limit, stats, withXml }) => {
      const { journal: id, run, sequence } = journal.position;
      const rest = hypervisor.guests.filter(({ order }) => order >= start);
      const page = rest.slice(0, Math.min(limit === 0 ? pageSize : limit, pageSize));
      return {
        position: { journal: id, run, sequence: BigInt(sequence) },
        domains: page.map((guest) => reportOf(guest, stats === 0 ? [] : statsOf(guest, stats), withXml)),
        next: BigInt(rest[page.length]?.order ?? 0),
      };
    },
  };
}

function reportOf(guest: Guest, stats: TypedParam[], withXml: boolean): DomainReport {
  const { reference: dom, status, persistent, autostart } = guest;
  const xml = withXml ? formatDefinition(guest.definition, guest.isActive ? guest.id : undefined) : null;
  return { dom, ...status, persistent, autostart, ageMs: 0n, stats, xml };
}
