import { on } from "node:events";
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { Feed } from "../../src/event/index.ts";
import { type Job, type Result, runJob } from "./job.ts";

/** Does the jobs on all cores; the results come as they are done. */
export function runJobs(jobs: readonly Job[]): Feed<Result> {
  const waiting = [...jobs];
  const threads = Array.from({ length: Math.min(availableParallelism(), jobs.length) }, () => new Thread());
  const results = new Feed<Result>({ onClose: () => threads.forEach((thread) => thread.end()) });
  const work = async (thread: Thread): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) results.push(await thread.run(job));
  };
  Promise.all(threads.map(work)).then(
    () => results.end(),
    (error: unknown) => results.end(error),
  );
  return results;
}

/** A worker thread that does one job at a time. */
class Thread {
  readonly #worker = new Worker(new URL(import.meta.url));

  run(job: Job): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#worker.removeAllListeners();
      this.#worker.once("message", resolve);
      this.#worker.once("error", reject);
      this.#worker.postMessage(job);
    });
  }

  end(): void {
    void this.#worker.terminate();
  }
}

/** A job that throws ends its thread, which is how the one who asked for it hears of that. */
async function serve(port: NonNullable<typeof parentPort>): Promise<void> {
  for await (const [job] of on(port, "message")) port.postMessage(await runJob(job as Job));
}

if (!isMainThread && parentPort !== null) await serve(parentPort);
