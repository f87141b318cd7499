import { parseArgs } from "node:util";
import { endureWithGuests, type QemuOutcome } from "../../test/integration/killed-qemu-daemon/qemu-ordeal.ts";
import { runRounds } from "../../test/integration/killed-qemu-daemon/rounds.ts";

/** What follows the first findings is often their consequence. */
const mostShown = 10;

/**
 * The test script with four guests at once, a hundred times over; then a daemon that is killed while it starts, saves, dumps
 * and ends eight, and plugs devices into them.
 */
export async function qemu(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "100" },
      kills: { type: "string", default: "100" },
      seed: { type: "string" },
    },
  });
  const isFine = await play(Number(values.rounds));
  const kills = Number(values.kills);
  return (kills === 0 || (await kill(kills, values.seed))) && isFine;
}

async function play(rounds: number): Promise<boolean> {
  const begun = performance.now();
  const found = await runRounds({
    rounds,
    guests: 4,
    onRound: (done) => {
      if (done % 10 === 0) console.log(`${done} rounds; ${((performance.now() - begun) / 1_000).toFixed(0)} s`);
    },
  });
  for (const each of found.slice(0, mostShown)) console.log(each);
  return found.length === 0;
}

async function kill(kills: number, given: string | undefined): Promise<boolean> {
  const seed = Number(given ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  const begun = performance.now();
  const outcome = await endureWithGuests({
    kills,
    seed,
    longestLifeMs: 2_000,
    onLife: (now) => {
      if (now.kills % 10 === 0 && now.kills < kills) print(now, begun);
    },
  });
  print(outcome, begun);
  for (const each of outcome.crashes) console.log(`QEMU has crashed: ${each}`);
  for (const each of outcome.found.slice(0, mostShown)) console.log(each);
  return outcome.found.length === 0;
}

function print({ kills, confirmed, survivors, events, longestStartMs }: QemuOutcome, begun: number): void {
  const parts = [
    `${kills} kills`,
    `${confirmed} changes confirmed`,
    `${survivors} times a guest was found running`,
    `${events} events`,
    `longest start ${longestStartMs.toFixed(0)} ms`,
    `${((performance.now() - begun) / 1_000).toFixed(0)} s`,
  ];
  console.log(parts.join("; "));
}
