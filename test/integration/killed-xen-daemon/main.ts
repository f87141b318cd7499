/**
 * Runs in dom0, as root: `main.ts ROUNDS FROM SEED`. Says on stderr how far it has come and what was found, and prints after each
 * round, and at the end, what there is until then: a XenOutcome, as a line of JSON.
 */
import { LabHost } from "./lab-host.ts";
import { endureOnXen, type XenOutcome } from "./xen-ordeal.ts";

const [rounds = "10", from = "0", seed = "1"] = process.argv.slice(2);
let shown = 0;
const tell = (outcome: XenOutcome, sentence?: string): void => {
  for (const each of outcome.found.slice(shown)) process.stderr.write(`found: ${each}\n`);
  shown = outcome.found.length;
  if (sentence !== undefined) process.stderr.write(`${sentence}\n`);
  process.stdout.write(`${JSON.stringify(outcome)}\n`);
};
const options = { rounds: Number(rounds), from: Number(from), seed: Number(seed), guests: 4, onRound: tell };
tell(await endureOnXen(options, () => new LabHost(process.env["XEN_LAB_GUEST"] ?? "")));
