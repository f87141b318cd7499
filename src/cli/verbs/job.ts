import type { Domain } from "../../open/index.ts";
import { type Around, Interrupted } from "./around.ts";
import { Progress } from "./progress.ts";

/** How often is asked how far it is, in ms. */
const askingMs = 500;

/**
 * Does something to a domain that takes long: shows how far it is where somebody watches, or it is asked for, and aborts the job when that
 * is wished. Rejects as the work does, or with Interrupted once the job is aborted.
 */
export async function runJob<T>(
  domain: Domain,
  where: Around,
  title: string,
  work: () => Promise<T>,
  isVerbose = false,
): Promise<T> {
  using progress = new Progress(where, title, isVerbose);
  using interruption = where.interruption();
  const aborting = abortedBy(domain, interruption.signal, where);
  const asking = setInterval(() => void showJob(domain, progress), askingMs).unref();
  try {
    const result = await work();
    progress.show(1n, 1n);
    return result;
  } catch (error) {
    if (await aborting.isAborted())
      throw new Interrupted(`interrupted; the job on domain '${domain.name}' is aborted`, { cause: error });
    throw error;
  } finally {
    clearInterval(asking);
    aborting.end();
  }
}

/** What cannot be learnt is not shown: the work itself says what is wrong. */
async function showJob(domain: Domain, progress: Progress): Promise<void> {
  const job = await domain.getJobInfo().catch(() => undefined);
  if (job !== undefined && job.dataTotal > 0n) progress.show(job.dataTotal - job.dataRemaining, job.dataTotal);
}

interface Aborting {
  /** Whether somebody has wished it, and the hypervisor has agreed. */
  isAborted(): Promise<boolean>;
  end(): void;
}

function abortedBy(domain: Domain, signal: AbortSignal, where: Around): Aborting {
  let aborted: Promise<boolean> = Promise.resolve(false);
  const onAbort = (): void => {
    aborted = domain.abortJob().then(
      () => true,
      (error: Error) => {
        where.error(`error: the job on domain '${domain.name}' cannot be aborted: ${error.message}\n`);
        return false;
      },
    );
  };
  signal.addEventListener("abort", onAbort);
  return { isAborted: () => aborted, end: () => signal.removeEventListener("abort", onAbort) };
}
