import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { targets } from "./targets/index.ts";
import type { Report, Task } from "./worker.ts";

const usage = `usage: npm run fuzz -- TARGET... [--seconds N] [--runs N] [--seed N] [--from RUN]
targets: ${Object.keys(targets).join(", ")}`;

/** How long one input may take. */
const patienceMs = 10_000;

/** One target in a thread of its own, which can be watched and ended. False when something was found. */
async function fuzz(task: Task): Promise<boolean> {
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("worker.ts", import.meta.url), { workerData: { task, progress } });
  let [seen, since] = [-1, Date.now()];
  const watch = setInterval(() => {
    const run = Atomics.load(progress, 0);
    if (run !== seen) [seen, since] = [run, Date.now()];
    else if (Date.now() - since > patienceMs) {
      console.error(
        `${task.target}: run ${run} has taken ${patienceMs} ms: --seed ${task.seed} --from ${run} --runs 1`,
      );
      void worker.terminate();
    }
  }, 500);
  return new Promise((resolve, reject) => {
    worker.once("message", ({ text, found }: Report) => {
      console.log(text);
      resolve(!found);
    });
    worker.once("error", reject);
    worker.once("exit", () => {
      clearInterval(watch);
      resolve(false);
    });
  });
}

function number(text: string | undefined, absent: number): number {
  if (text === undefined) return absent;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`'${text}' is not a number`);
  return Number(text);
}

async function main(): Promise<boolean> {
  const options = {
    seconds: { type: "string" },
    runs: { type: "string" },
    seed: { type: "string" },
    from: { type: "string" },
  } as const;
  const { values, positionals } = parseArgs({ allowPositionals: true, options });
  const unknown = positionals.filter((name) => !Object.hasOwn(targets, name));
  if (positionals.length === 0 || unknown.length > 0) {
    console.error([...unknown.map((name) => `error: there is no target named ${name}`), usage].join("\n"));
    return false;
  }
  const seed = number(values.seed, Math.floor(Math.random() * 1e9));
  const from = number(values.from, 0);
  const until = from + number(values.runs, 1e9);
  const seconds = number(values.seconds, values.runs === undefined ? 60 : 1e6);
  let clean = true;
  for (const target of positionals) {
    console.log(`${target}: seed ${seed}`);
    clean = (await fuzz({ target, seed, from, until, seconds })) && clean;
  }
  return clean;
}

process.exitCode = (await main()) ? 0 : 1;
