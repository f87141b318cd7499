import { inspect } from "node:util";
import { parentPort, workerData } from "node:worker_threads";
import { campaign, type Finding, shorten } from "./campaign.ts";
import { keep, readCorpus } from "./corpus.ts";
import type { Target } from "./target.ts";
import { targets } from "./targets/index.ts";

/** A campaign against one target: runs from `from` until `until`, or until the time is over. */
export interface Task {
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  readonly until: number;
  readonly seconds: number;
}

export interface Report {
  readonly text: string;
  readonly found: boolean;
}

interface WorkerData {
  readonly task: Task;
  /** The run that is under way, for whoever watches. */
  readonly progress: Int32Array;
}

const { task, progress } = workerData as WorkerData;
const target = targets[task.target] as Target;
const corpus = readCorpus(target.name).map(({ input }) => input);
const end = Date.now() + task.seconds * 1000;
const goOn = (run: number): boolean => {
  Atomics.store(progress, 0, run);
  return Date.now() < end;
};
const result = await campaign(target, { ...task, corpus, goOn });
const report: Report =
  typeof result === "number"
    ? { text: `${target.name}: ${result} runs, nothing found`, found: false }
    : { text: await describe(result), found: true };
parentPort?.postMessage(report);

async function describe(finding: Finding): Promise<string> {
  const { input, error } = await shorten(target, finding);
  const repeat = `npm run fuzz -- ${target.name} --seed ${task.seed} --from ${finding.run} --runs 1`;
  return `${target.name}: found in run ${finding.run}: ${repeat}\nkept as ${keep(target.name, input)}\n${inspect(error)}`;
}
