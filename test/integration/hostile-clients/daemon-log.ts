import { readFileSync } from "node:fs";
import { type Reason, reasons } from "./offences.ts";

interface Entry {
  readonly level: string;
  readonly message: string;
  readonly peer?: number;
}

/** What a daemon has said about its peers, by the process that they belong to. */
export class DaemonLog {
  /** Messages of each peer, warnings alone. */
  readonly #warnings = new Map<number, string[]>();
  readonly #peersOf = new Map<number, number[]>();

  constructor(path: string) {
    for (const line of readFileSync(path, "utf8").split("\n")) if (line !== "") this.#read(JSON.parse(line) as Entry);
  }

  /** How many connections this process has had, by the reason that stands in the log; "none" where none does. */
  reasonsOf(pid: number): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const peer of this.#peersOf.get(pid) ?? []) {
      const reason = reasonOf(this.#warnings.get(peer) ?? []);
      counts[reason] = (counts[reason] ?? 0) + 1;
    }
    return counts;
  }

  #read({ level, message, peer }: Entry): void {
    if (peer === undefined) return;
    const pid = /^connected: user \d+, process (\d+)$/.exec(message)?.[1];
    if (pid !== undefined) this.#peersOf.set(Number(pid), [...(this.#peersOf.get(Number(pid)) ?? []), peer]);
    else if (level !== "debug") this.#warnings.set(peer, [...(this.#warnings.get(peer) ?? []), message]);
  }
}

function reasonOf([first]: readonly string[]): Reason | "none" | `other: ${string}` {
  if (first === undefined) return "none";
  const found = (Object.keys(reasons) as Reason[]).find((reason) => reasons[reason].test(first));
  return found ?? `other: ${first}`;
}
