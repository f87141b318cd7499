import { Deferred } from "../../../event/index.ts";
import type { Domain } from "../../../model/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  type TypedParam,
  VirError,
  type Domain as WireDomain,
} from "../../../protocol/index.ts";
import type { JsonObject } from "../../../qmp/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { CallContext, DriverProcedures } from "../../driver.ts";
import { checkParams } from "../../tuning/tunables.ts";
import type { BlockJobs } from "../block-job/block-jobs.ts";
import { readCopyTarget } from "../block-job/copy-target.ts";
import { jobTypes } from "../block-job/kinds.ts";
import {
  beginCommit,
  beginCopy,
  beginPull,
  type JobAnswer,
  type JobPlace,
  jobsOf,
  stillActive,
} from "../block-job/starting.ts";
import { findDisk, targetOf } from "../devices-of.ts";
import { invalid } from "../errors.ts";
import type { Guests } from "../guests.ts";
import type { Run } from "../run.ts";
import { formatOf } from "../statistics/image-size.ts";
import { check, has, patienceOf } from "./asked.ts";

const rebase = { shallow: 1, reuse: 2, raw: 4, copy: 8, relative: 16, device: 32, bytes: 64 };
const commit = { shallow: 1, delete: 2, active: 4, relative: 8, bytes: 16 };
const copy = { shallow: 1, reuse: 2, transient: 4, synchronous: 8 };
const abort = { async: 1, pivot: 2 };
const inBytes = 1;
/** How long an abort or a switch may take before its call gives up. */
const endMs = 30_000;

/** Long jobs on disks of guests that run. */
export function blockJobProcedures(guests: Guests, jobs: BlockJobs): DriverProcedures {
  const find = ({ uuid, name }: WireDomain): Domain => guests.domains.byUuid(uuid, name);
  const onDisk = <T>(
    dom: WireDomain,
    path: string,
    context: CallContext,
    act: (place: Omit<JobPlace, "speed">) => Promise<T>,
  ) => {
    const domain = find(dom);
    return guests.onRun(domain, "block job", patienceOf(context), (run, timeoutMs) => {
      const disk = domain.definition && findDisk(domain.definition, path);
      if (disk === undefined) throw wrong(`disk '${path}' not found in domain`);
      return act({ jobs, domain, run, disk, timeoutMs });
    });
  };
  return {
    domainBlockPull: ({ dom, path, bandwidth, flags }, context) => {
      check(flags, rebase.bytes, "qemuDomainBlockPull");
      const speed = speedOf(bandwidth, has(flags, rebase.bytes));
      return onDisk(dom, path, context, (place) => beginPull({ ...place, speed }, null));
    },
    domainBlockRebase: ({ dom, path, base, bandwidth, flags }, context) => {
      check(flags, 127, "qemuDomainBlockRebase");
      const speed = speedOf(bandwidth, has(flags, rebase.bytes));
      return onDisk(dom, path, context, (place) => {
        if (!has(flags, rebase.copy)) return beginPull({ ...place, speed }, base);
        checkTransient(place.domain);
        const format = has(flags, rebase.raw) ? "raw" : formatOf(place.disk);
        const target = { path: base ?? "", type: has(flags, rebase.device) ? "block" : "file", format };
        return beginCopy(
          { ...place, speed },
          target,
          { shallow: has(flags, rebase.shallow), reuse: has(flags, rebase.reuse), synchronous: false },
          {},
        );
      });
    },
    domainBlockCommit: ({ dom, disk: path, base, top, bandwidth, flags }, context) => {
      check(
        flags,
        commit.shallow | commit.active | commit.relative | commit.delete | commit.bytes,
        "qemuDomainBlockCommit",
      );
      if (has(flags, commit.delete))
        throw unsupported("deleting the committed images is not supported: delete them afterwards");
      const speed = speedOf(bandwidth, has(flags, commit.bytes));
      const asked = { active: has(flags, commit.active), shallow: has(flags, commit.shallow) };
      return onDisk(dom, path, context, (place) => beginCommit({ ...place, speed }, base, top, asked));
    },
    domainBlockCopy: ({ dom, path, destxml, params, flags }, context) => {
      check(flags, copy.shallow | copy.reuse | copy.transient | copy.synchronous, "qemuDomainBlockCopy");
      checkParams(params, { bandwidth: "ullong", granularity: "uint", "buf-size": "ullong" });
      const asked = {
        shallow: has(flags, copy.shallow),
        reuse: has(flags, copy.reuse),
        synchronous: has(flags, copy.synchronous),
      };
      return onDisk(dom, path, context, (place) => {
        if (!has(flags, copy.transient)) checkTransient(place.domain);
        const target = readCopyTarget(destxml, formatOf(place.disk));
        const number = (field: string): number => Number(valueOf(params, field));
        const more: JsonObject = {
          ...(number("granularity") > 0 && { granularity: number("granularity") }),
          ...(number("buf-size") > 0 && { "buf-size": number("buf-size") }),
        };
        return beginCopy({ ...place, speed: number("bandwidth") }, target, asked, more);
      });
    },
    domainGetBlockJobInfo: async ({ dom, path, flags }, context) => {
      check(flags, inBytes, "qemuDomainGetBlockJobInfo");
      return onDisk(dom, path, { ...context }, async ({ run, disk, timeoutMs }) => {
        const job = (await jobsOf(run, timeoutMs)).find(({ target }) => target === targetOf(disk));
        if (job === undefined) return { found: 0, type: 0, bandwidth: 0n, cur: 0n, end: 0n };
        const { speed } = job.answer;
        const bandwidth = BigInt(has(flags, inBytes) ? speed : Math.ceil(speed / 1_048_576));
        return { found: 1, type: jobTypes[job.kind], bandwidth, ...progressOf(job.answer, job.kind) };
      });
    },
    domainBlockJobSetSpeed: ({ dom, path, bandwidth, flags }, context) => {
      check(flags, inBytes, "qemuDomainBlockJobSetSpeed");
      const speed = speedOf(bandwidth, has(flags, inBytes));
      return onDisk(dom, path, context, async ({ run, disk, timeoutMs }) => {
        const { answer } = await theJob(run, disk, timeoutMs);
        await run.execute("block-job-set-speed", { device: answer.device, speed }, timeoutMs);
      });
    },
    domainBlockJobAbort: ({ dom, path, flags }, context) => {
      check(flags, abort.async | abort.pivot, "qemuDomainBlockJobAbort");
      return onDisk(dom, path, context, async ({ run, disk, timeoutMs }) => {
        const { answer, kind } = await theJob(run, disk, timeoutMs);
        const id = answer.device;
        if (has(flags, abort.pivot)) {
          if (kind !== "copy" && kind !== "active-commit")
            throw invalid(`pivot of disk '${targetOf(disk)}' requires an active copy job`);
          if (answer.ready !== true) throw stillActive(`disk '${targetOf(disk)}' not ready for pivot yet`);
          jobs.pivot(run, id);
          return ended(run, id, has(flags, abort.async), () => run.execute("job-complete", { id }, timeoutMs));
        }
        // Ready or not, what it was to end in is not wanted.
        const cancel = (): Promise<unknown> => run.execute("block-job-cancel", { device: id }, timeoutMs);
        await ended(run, id, has(flags, abort.async), cancel);
      });
    },
  };
}

/** Resolves when QEMU has said that the job is over, or, where nobody waits for that, when it has taken the command. */
async function ended(run: Run, id: string, atOnce: boolean, command: () => Promise<unknown>): Promise<void> {
  const over = new Deferred();
  const forget = run.onMonitorEvent(({ name, data }) => {
    if ((name === "BLOCK_JOB_COMPLETED" || name === "BLOCK_JOB_CANCELLED") && data["device"] === id) over.resolve();
  });
  const gone = run.onGone(() => over.resolve());
  const timeout = run.loop.timeout(run.loop.now() + endMs, () => over.reject(overdue(id)));
  try {
    await command();
    if (!atOnce) await over.promise;
  } finally {
    forget();
    gone();
    timeout.remove();
  }
}

async function theJob(run: Run, disk: Element, timeoutMs: number) {
  const job = (await jobsOf(run, timeoutMs)).find(({ target }) => target === targetOf(disk));
  if (job !== undefined) return job;
  throw wrong(`disk ${targetOf(disk)} does not have an active block job`);
}

/** A job that has more to do is never shown as done, as clients take that for its end. */
function progressOf({ offset, len, ready }: JobAnswer, kind: string): { cur: bigint; end: bigint } {
  const isMirror = kind === "copy" || kind === "active-commit";
  let [cur, end] = [BigInt(offset), BigInt(len)];
  if (isMirror && ready !== true && cur === end) {
    if (cur > 0n) cur -= 1n;
    else end += 1n;
  }
  if (isMirror && ready === true && end === 0n) [cur, end] = [1n, 1n];
  return { cur, end };
}

function speedOf(bandwidth: bigint, isBytes: boolean): number {
  const most = isBytes ? 2n ** 63n - 1n : (2n ** 63n - 1n) >> 20n;
  if (bandwidth > most) throw VirError.of(ErrorCode.overflow, ErrorDomain.qemu, `bandwidth must be less than ${most}`);
  return Number(isBytes ? bandwidth : bandwidth << 20n);
}

function valueOf(params: readonly TypedParam[], field: string): unknown {
  return params.find((each) => each.field === field)?.value.value ?? 0;
}

/** A copy that goes on until it is ended would be lost with the run, and the definition knows nothing of it. */
function checkTransient({ persistent }: Domain): void {
  if (persistent !== undefined) throw invalid("domain is not transient");
}

function overdue(id: string): VirError {
  return VirError.of(ErrorCode.operationTimeout, ErrorDomain.qemu, `block job ${id} has not ended within ${endMs} ms`);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.qemu, detail);
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.qemu, detail);
}
