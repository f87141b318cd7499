/**
 * Runs in dom0, as root: `main.ts ROUNDS FROM SEED`. Says on stderr how far it has come, and prints one JSON object: a
 * XenOutcome.
 */
import { LabHost } from "./lab-host.ts";
import { endureOnXen } from "./xen-ordeal.ts";

const [rounds = "10", from = "0", seed = "1"] = process.argv.slice(2);
const options = {
  rounds: Number(rounds),
  from: Number(from),
  seed: Number(seed),
  guests: 4,
  onRound: (_: unknown, sentence: string) => process.stderr.write(`${sentence}\n`),
};
const outcome = await endureOnXen(options, () => new LabHost(process.env["XEN_LAB_GUEST"] ?? ""));
process.stdout.write(JSON.stringify(outcome));
