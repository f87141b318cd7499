import { parseArgs } from "node:util";
import type { LabOptions } from "../../lab/xen/lab.ts";
import { bundle } from "../../lab/xen/programs.ts";
import type { XenOutcome } from "../../test/integration/killed-xen-daemon/xen-ordeal.ts";
import { judgeInXen } from "./in-xen.ts";

/** Side by side, as the daemon looks for the program of libxl's processes beside its own. */
const entries = {
  ordeal: "test/integration/killed-xen-daemon/main.ts",
  "daemon-process": "test/integration/killed-xen-daemon/daemon-process.ts",
  main: "src/libxl/process/main.ts",
};
/** What follows the first findings is often their consequence. */
const mostShown = 10;

/**
 * The test script with four guests at once on real Xen, two hundred times over, while the daemon or one of libxl's processes is
 * killed in each round but a boot's first. The same seed makes the same choices, whatever the number of boots: one that has
 * ended early goes on with `--from` and its seed. Each lab takes one of this machine's processors: `--at-once` says how many.
 */
export async function xen(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "200" },
      boots: { type: "string", default: "8" },
      "at-once": { type: "string", default: "1" },
      from: { type: "string", default: "0" },
      seed: { type: "string" },
    },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const programs = await bundle(entries);
  const begun = performance.now();
  const outcomes: XenOutcome[] = [];
  const waiting = parts(Number(values.from), Number(values.rounds), Number(values.boots));
  let isFine = true;
  console.log(`seed ${seed}`);
  const bootOnEnd = async (): Promise<void> => {
    for (let part = waiting.shift(); part !== undefined && isFine; part = waiting.shift()) {
      const passed = await boot(programs, part, seed, (outcome) => outcomes.push(outcome));
      if (!passed) isFine = false;
      console.log(`rounds ${part.from} to ${part.from + part.rounds - 1}: ${passed ? "passed" : "failed"}`);
      console.log(line(outcomes, performance.now() - begun));
    }
  };
  await Promise.all(Array.from({ length: Number(values["at-once"]) }, bootOnEnd));
  return isFine;
}

interface Part {
  readonly from: number;
  readonly rounds: number;
}

/** What each boot has to do. */
function parts(first: number, rounds: number, boots: number): Part[] {
  const most = Math.ceil(rounds / boots);
  return Array.from({ length: Math.ceil(rounds / most) }, (_, index) => ({
    from: first + index * most,
    rounds: Math.min(most, rounds - index * most),
  }));
}

/** Some rounds in one lab. */
async function boot(
  programs: string,
  { from, rounds }: Part,
  seed: number,
  onOutcome: (outcome: XenOutcome) => void,
): Promise<boolean> {
  const options: LabOptions = {
    // A round is a minute and a half of a processor's time, of which a busy machine gives a quarter.
    timeoutMs: (rounds * 400 + 1_200) * 1_000,
    // Node five times: a daemon, three processes of libxl, and whoever kills them.
    memoryMib: 1_536,
    dom0MemoryMib: 900,
    // By the host's clock a slow machine spends half of its time on ticks, and waits too short for what it emulates.
    clock: "instructions",
    onOutput: (stream, text) => stream === "stderr" && process.stderr.write(text),
  };
  const command = `node ${programs}/ordeal.js ${rounds} ${from} ${seed}`;
  return judgeInXen(command, options, ({ stdout }) => {
    try {
      const outcome = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as XenOutcome;
      onOutcome(outcome);
      const missing = outcome.rounds < rounds ? [`only ${outcome.rounds} rounds of ${rounds}`] : [];
      return [...outcome.found.slice(0, mostShown), ...missing];
    } catch (error) {
      return [`no outcome: ${String(error)}`];
    }
  });
}

function line(outcomes: readonly XenOutcome[], ms: number): string {
  const sum = (of: (outcome: XenOutcome) => number): number => outcomes.reduce((total, each) => total + of(each), 0);
  return [
    `${sum(({ rounds }) => rounds)} rounds in ${outcomes.length} boots`,
    `killed: ${sum(({ kills }) => kills.daemon)} daemons, ${sum(({ kills }) => kills.observer)} observers, ${sum(({ kills }) => kills.operations)} processes at work`,
    `${sum(({ survivors }) => survivors)} times a guest was found running`,
    `${sum(({ events }) => events)} events`,
    `${sum(({ warnings }) => warnings.length)} warnings`,
    `longest start ${Math.max(0, ...outcomes.map(({ longestStartMs }) => longestStartMs)).toFixed(0)} ms`,
    `${(ms / 1_000).toFixed(0)} s`,
  ].join("; ");
}
