/**
 * Runs in dom0, as root: `main.ts ROUNDS FROM SEED`. Says on stderr how far it has come, and prints one JSON object: a
 * XenOutcome.
 */
import { endureOnXen } from "./xen-ordeal.ts";

const [rounds = "10", from = "0", seed = "1"] = process.argv.slice(2);
const outcome = await endureOnXen({
  rounds: Number(rounds),
  from: Number(from),
  seed: Number(seed),
  guests: 4,
  kernel: process.env["XEN_LAB_GUEST"] ?? "",
  onRound: (_, sentence) => process.stderr.write(`${sentence}\n`),
});
process.stdout.write(JSON.stringify(outcome));
