import { createHmac } from "node:crypto";
import { type Credential, credentialOf } from "../src/daemon/sasl/credential.ts";
import { LogIn } from "../src/daemon/sasl/log-in.ts";
import { PasswordGate } from "../src/daemon/sasl/password-gate.ts";
import { formatTable, median } from "./table.ts";

/** Ways to be wrong. They take turns, each time from another one on, so that a disturbance of the machine meets them alike. */
const ways = ["a wrong password", "an unknown name", "the first byte wrong", "the last byte wrong"] as const;
const password = "correct horse battery staple";

interface Mechanism {
  readonly name: string;
  readonly rounds: number;
  /** One refusal. */
  readonly attempt: (way: (typeof ways)[number], kept: Credential) => Promise<void>;
}

const mechanisms: readonly Mechanism[] = [
  { name: "PLAIN", rounds: 40, attempt: tryPlain },
  { name: "SCRAM-SHA-256", rounds: 4_000, attempt: tryScram },
];

/** How long it takes to be refused: who waits must not learn from it what was wrong. */
export async function run(): Promise<void> {
  const kept = await credentialOf(password);
  const rows: string[][] = [];
  const ratios: string[] = [];
  for (const { name, rounds, attempt } of mechanisms) {
    const taken = new Map(ways.map((way) => [way, [] as number[]]));
    for (let round = -4; round < rounds; round++) {
      for (const index of ways.keys()) {
        const way = ways[(index + round + ways.length) % ways.length] as (typeof ways)[number];
        const begun = performance.now();
        await attempt(way, kept);
        if (round >= 0) taken.get(way)?.push(performance.now() - begun);
      }
    }
    const base = median(taken.get(ways[0]) ?? []);
    for (const way of ways) {
      const ms = median(taken.get(way) ?? []);
      rows.push([`${name}: ${way}`, ms.toFixed(4), (ms / base).toFixed(3)]);
      if (way !== ways[0]) ratios.push(`ratio sasl ${name} ${way.replaceAll(" ", "-")} ${(ms / base).toFixed(3)}`);
    }
  }
  console.log(formatTable(["refused because of", "median ms", "of a wrong password"], rows));
  console.log(ratios.join("\n"));
}

function begin(kept: Credential): LogIn {
  return new LogIn({
    users: { find: (name) => (name === "alice" ? kept : undefined) },
    refuse: () => undefined,
    gate: new PasswordGate(),
    isWanted: () => true,
    onUser: () => {
      throw new Error("somebody has come in with a wrong password");
    },
    onRefusal: () => {},
  });
}

async function tryPlain(way: (typeof ways)[number], kept: Credential): Promise<void> {
  const given = {
    "a wrong password": "a guess of the same length!!",
    "an unknown name": password,
    "the first byte wrong": `C${password.slice(1)}`,
    "the last byte wrong": `${password.slice(0, -1)}E`,
  }[way];
  const user = way === "an unknown name" ? "nobob" : "alice";
  await refused(begin(kept).start("PLAIN", Buffer.from(`\0${user}\0${given}`)));
}

async function tryScram(way: (typeof ways)[number], kept: Credential): Promise<void> {
  const logIn = begin(kept);
  const user = way === "an unknown name" ? "nobob" : "alice";
  const bare = `n=${user},r=theirs`;
  const { data } = await logIn.start("SCRAM-SHA-256", Buffer.from(`n,,${bare}`));
  const first = Buffer.from(data).toString();
  const last = `c=biws,r=${/r=([^,]*)/.exec(first)?.[1]}`;
  // As near to the right one as somebody comes who knows what is kept, and not the password.
  const proof = createHmac("sha256", kept.storedKey).update(`${bare},${first},${last}`).digest();
  const at = way === "the last byte wrong" ? 31 : 0;
  proof[at] = (proof[at] as number) ^ 1;
  await refused(logIn.step(Buffer.from(`${last},p=${proof.toString("base64")}`)));
}

async function refused(attempt: Promise<unknown>): Promise<void> {
  await attempt.then(
    () => {
      throw new Error("somebody has come in with a wrong password");
    },
    () => {},
  );
}
