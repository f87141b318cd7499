import type { DomainReport, TypedParam } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import type { EventLog } from "../event-log.ts";
import { formatDefinition } from "./canonical.ts";
import type { Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";
import { statsOf } from "./statistics.ts";

/** Domains in one answer: what is made in one go. */
const pageSize = 500;
/** With XML it ends behind the domain whose text makes it so long, in characters: a reply has its limit. */
const pageLength = 1_048_576;

/** Everything about all domains. It is always of this moment: there is nobody who would have to be asked. */
export function reportProcedures(hypervisor: Hypervisor, { journal }: EventLog): DriverProcedures {
  return {
    snapshot: ({ start, limit, stats, withXml }) => {
      const { journal: id, run, sequence } = journal.position;
      const rest = hypervisor.guests.filter(({ order }) => order >= start);
      const page: DomainReport[] = [];
      const most = Math.min(limit === 0 ? pageSize : limit, pageSize);
      for (let length = 0; length < pageLength && page.length < Math.min(most, rest.length); ) {
        const guest = rest[page.length] as Guest;
        const report = reportOf(guest, stats === 0 ? [] : statsOf(guest, stats), withXml);
        length += report.xml?.length ?? 0;
        page.push(report);
      }
      return {
        position: { journal: id, run, sequence: BigInt(sequence) },
        domains: page,
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
