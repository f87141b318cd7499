import type { Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { invalid, notRunning } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { check } from "./asked.ts";

/** virDomainJobType. */
const jobType = { none: 0, unbounded: 2 };
/** virDomainJobOperation, by what the driver calls it. */
const operations: Readonly<Record<string, number>> = { save: 2, "managed save": 2, dump: 8 };

/** What is asked of jobs that take long. How far libxl has come nobody can say. */
export function jobProcedures(guests: Guests): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const elapsedOf = (domain: Domain): number | undefined => {
    if (domain.incarnation === undefined) throw notRunning();
    const { asyncJob } = domain.jobs;
    return asyncJob === undefined ? undefined : Math.round(guests.loop.now() - asyncJob.since);
  };
  return {
    domainGetJobInfo: ({ dom }) => {
      const elapsed = elapsedOf(find(dom));
      const none = { timeRemaining: 0n, dataTotal: 0n, dataProcessed: 0n, dataRemaining: 0n, memTotal: 0n };
      const more = { memProcessed: 0n, memRemaining: 0n, fileTotal: 0n, fileProcessed: 0n, fileRemaining: 0n };
      const type = elapsed === undefined ? jobType.none : jobType.unbounded;
      return { type, timeElapsed: BigInt(elapsed ?? 0), ...none, ...more };
    },
    domainGetJobStats: ({ dom, flags }) => {
      check(flags, 0, "libxlDomainGetJobStats");
      const domain = find(dom);
      const elapsed = elapsedOf(domain);
      if (elapsed === undefined) return { type: jobType.none, params: [] };
      const operation = operations[domain.jobs.asyncJob?.operation ?? ""] ?? 0;
      return {
        type: jobType.unbounded,
        params: [
          { field: "operation", value: { type: "int", value: operation } },
          { field: "time_elapsed", value: { type: "ullong", value: BigInt(elapsed) } },
        ],
      };
    },
    domainAbortJob: ({ dom }) => {
      const domain = find(dom);
      if (domain.incarnation === undefined) throw notRunning();
      const title = domain.jobs.asyncJob?.operation ?? "";
      const reason = VirError.of(
        ErrorCode.operationAborted,
        ErrorDomain.libxl,
        `domain ${title} job: canceled by client`,
      );
      if (!domain.jobs.abortAsync(reason)) throw invalid("no job is active on the domain");
    },
  };
}
