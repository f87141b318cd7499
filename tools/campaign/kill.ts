import { parseArgs } from "node:util";
import { fillDisk, whyNoFullDisk } from "../../test/integration/killed-daemon/full-disk.ts";
import { endure, type Outcome } from "../../test/integration/killed-daemon/ordeal.ts";

/** What follows the first findings is often their consequence. */
const mostShown = 10;

/** Two hundred sudden ends of a daemon whose domains are being changed. The same seed makes the same choices. */
export async function kill(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: { kills: { type: "string", default: "200" }, seed: { type: "string" }, directory: { type: "string" } },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const { directory } = values;
  console.log(`seed ${seed}`);
  const begun = performance.now();
  const outcome = await endure({
    kills: Number(values.kills),
    seed,
    longestLifeMs: 1_500,
    ...(directory === undefined ? {} : { directory }),
    onLife: (now) => {
      if (now.kills % 20 === 0 && now.kills < Number(values.kills)) print(now, begun);
    },
  });
  print(outcome, begun);
  for (const each of outcome.warnings) console.log(`the daemon warned: ${each}`);
  for (const each of outcome.found.slice(0, mostShown)) console.log(each);
  return outcome.found.length === 0 && (await withFullDisk(seed));
}

async function withFullDisk(seed: number): Promise<boolean> {
  const reason = whyNoFullDisk();
  if (reason !== undefined) {
    console.log(`no full disk: ${reason}`);
    return true;
  }
  const { confirmed, failed, warnings, found } = await fillDisk(seed);
  console.log(`on a full disk: ${failed} changes failed, ${confirmed} were confirmed`);
  for (const each of warnings) console.log(`the daemon warned: ${each}`);
  for (const each of found.slice(0, mostShown)) console.log(each);
  return found.length === 0;
}

function print({ kills, early, sent, confirmed, events, longestStartMs }: Outcome, begun: number): void {
  const parts = [
    `${kills} kills (${early} before it served)`,
    `${sent} changes sent, ${confirmed} confirmed`,
    `${events} events`,
    `longest start ${longestStartMs.toFixed(0)} ms`,
    `${((performance.now() - begun) / 1_000).toFixed(0)} s`,
  ];
  console.log(parts.join("; "));
}
