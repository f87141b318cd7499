import type { Domain } from "../../../model/index.ts";
import type { Domain as WireDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { invalid, notRunning } from "../errors.ts";
import { type JobReport, jobType, parametersOf, progressOf } from "../long-jobs.ts";
import type { Operations } from "../operations.ts";
import { check, has, patienceOf } from "./asked.ts";

/** virDomainGetJobStatsFlags. */
const stats = { completed: 1, keepCompleted: 2 };
const abortPostcopy = 1;

/** What is asked of jobs that take long. */
export function jobProcedures({ guests, jobs }: Operations): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const current = (domain: Domain): JobReport | undefined => {
    if (domain.incarnation === undefined) throw notRunning();
    return jobs.current(domain);
  };
  return {
    domainGetJobInfo: ({ dom }) => infoOf(current(find(dom))),
    domainGetJobStats: ({ dom, flags }) => {
      check(flags, stats.completed | stats.keepCompleted, "qemuDomainGetJobStats");
      const domain = find(dom);
      const report = has(flags, stats.completed)
        ? jobs.completed(domain, has(flags, stats.keepCompleted))
        : current(domain);
      return report === undefined
        ? { type: jobType.none, params: [] }
        : { type: report.type, params: parametersOf(report) };
    },
    domainAbortJob: ({ dom }, context) => jobs.abort(find(dom), patienceOf(context)),
    domainAbortJobFlags: ({ dom, flags }, context) => {
      check(flags, abortPostcopy, "qemuDomainAbortJobFlags");
      const domain = find(dom);
      if (!has(flags, abortPostcopy)) return jobs.abort(domain, patienceOf(context));
      if (domain.incarnation === undefined) throw notRunning();
      throw invalid("current job is not outgoing migration in post-copy mode");
    },
    domainGetControlInfo: ({ dom, flags }) => {
      check(flags, 0, "qemuDomainGetControlInfo");
      const domain = find(dom);
      if (domain.incarnation === undefined) throw notRunning();
      return controlOf(guests.runOf(domain)?.isResponsive !== false, domain, guests.loop.now());
    },
  };
}

/** virDomainControlState: ok, a job, occupied by a command, an error. Since when, in ms, where it is a job. */
function controlOf(
  isResponsive: boolean,
  { jobs }: Domain,
  now: number,
): { state: number; details: number; stateTime: bigint } {
  const job = jobs.asyncJob ?? jobs.holder;
  if (!isResponsive) return { state: 2, details: 0, stateTime: BigInt(Math.round(now - (job?.since ?? now))) };
  if (job === undefined) return { state: 0, details: 0, stateTime: 0n };
  return { state: 1, details: 0, stateTime: BigInt(Math.round(now - job.since)) };
}

function infoOf(report: JobReport | undefined): {
  type: number;
  timeElapsed: bigint;
  timeRemaining: bigint;
  dataTotal: bigint;
  dataProcessed: bigint;
  dataRemaining: bigint;
  memTotal: bigint;
  memProcessed: bigint;
  memRemaining: bigint;
  fileTotal: bigint;
  fileProcessed: bigint;
  fileRemaining: bigint;
} {
  const { total, processed, remaining } =
    report === undefined ? { total: 0n, processed: 0n, remaining: 0n } : progressOf(report);
  return {
    type: report?.type ?? jobType.none,
    timeElapsed: BigInt(report?.elapsed ?? 0),
    timeRemaining: 0n,
    dataTotal: total,
    dataProcessed: processed,
    dataRemaining: remaining,
    memTotal: total,
    memProcessed: processed,
    memRemaining: remaining,
    fileTotal: 0n,
    fileProcessed: 0n,
    fileRemaining: 0n,
  };
}
