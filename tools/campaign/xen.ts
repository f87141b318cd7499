import { parseArgs } from "node:util";
import type { XenOutcome } from "../../test/integration/killed-xen-daemon/xen-ordeal.ts";
import { judgeInXen } from "./in-xen.ts";

/** What follows the first findings is often their consequence. */
const mostShown = 10;

/**
 * The test script with four guests at once on real Xen, two hundred times over, while the daemon or one of libxl's processes is
 * killed in each round but a boot's first. The same seed makes the same choices, whatever the number of boots.
 */
export async function xen(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "200" },
      boots: { type: "string", default: "8" },
      from: { type: "string", default: "0" },
      seed: { type: "string" },
    },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const [rounds, boots] = [Number(values.rounds), Number(values.boots)];
  console.log(`seed ${seed}`);
  const begun = performance.now();
  const outcomes: XenOutcome[] = [];
  let isFine = true;
  const end = Number(values.from) + rounds;
  for (let from = Number(values.from); from < end && isFine; from += Math.ceil(rounds / boots)) {
    const part = Math.min(Math.ceil(rounds / boots), end - from);
    isFine = await boot(part, from, seed, (outcome) => outcomes.push(outcome));
    console.log(line(outcomes, performance.now() - begun));
  }
  return isFine;
}

/** Some rounds in one lab. */
async function boot(
  rounds: number,
  from: number,
  seed: number,
  onOutcome: (outcome: XenOutcome) => void,
): Promise<boolean> {
  const options = {
    timeoutMs: (rounds * 120 + 300) * 1_000,
    // Node five times: a daemon, three processes of libxl, and whoever kills them.
    memoryMib: 1_536,
    dom0MemoryMib: 900,
    onOutput: (stream: "stdout" | "stderr", text: string) => stream === "stderr" && process.stderr.write(text),
  };
  const command = `node test/integration/killed-xen-daemon/main.ts ${rounds} ${from} ${seed}`;
  return judgeInXen(command, options, ({ stdout }) => {
    try {
      const outcome = JSON.parse(stdout) as XenOutcome;
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
