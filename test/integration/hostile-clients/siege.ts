import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Child } from "./child.ts";
import { DaemonLog } from "./daemon-log.ts";
import type { Level } from "./daemon-process.ts";
import type { Testimony, Work } from "./honest-process.ts";
import type { Confession } from "./offender-process.ts";

export interface SiegeOptions {
  /** Clients at once; of ten, seven are honest, and one each never reads, sends garbage and is cut off. */
  readonly clients: number;
  /** Each is a phase without offenders and one with them. */
  readonly rounds: number;
  readonly phaseMs: number;
  /** Between two calls of an honest client. */
  readonly pauseMs: number;
  /** Between two events of 32 KiB. */
  readonly shakeMs: number;
  readonly honestProcesses: number;
}

/** A stretch of time with the same load of honest calls. */
export interface Phase {
  readonly name: "control" | "besieged";
  readonly calls: number;
  /** Latencies of honest calls, in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  /** The daemon's share of one processor. */
  readonly cpu: number;
  /** The share of the time in which the daemon was ready to run and had none: the machine's doing, not its own. */
  readonly starved: number;
}

/** The daemon when nobody is connected. */
export interface Rest extends Level {
  readonly name: string;
  readonly descriptors: number;
}

export interface Outcome {
  readonly phases: readonly Phase[];
  /** p99 of all calls of each kind of phase. */
  readonly control: number;
  readonly besieged: number;
  /** The median of what each round has found: p99 with offenders over p99 without. The first round warms up. */
  readonly timesLonger: number;
  readonly rests: readonly Rest[];
  /** Connections by who made them and what the daemon gave as its reason. */
  readonly log: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** What is not as it must be, in sentences. */
  readonly found: readonly string[];
}

/** By how much a daemon may have grown, in bytes, when the same crowd has come and gone again, several times. */
const tolerances = { heapUsed: 2_097_152, external: 1_048_576, rss: 33_554_432 } as const;
const kinds = ["never reads", "garbage", "cut off"] as const;

/** Besieges a real daemon with clients in processes of their own. */
export async function besiege(options: SiegeOptions): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-siege-"));
  try {
    await using siege = new Siege(directory, options);
    return await siege.run();
  } finally {
    rmSync(directory, { recursive: true });
  }
}

class Siege implements AsyncDisposable {
  readonly #options: SiegeOptions;
  readonly #log: string;
  readonly #daemon: Child;
  readonly #honest: readonly Child[];
  readonly #offenders: ReadonlyMap<(typeof kinds)[number], Child>;
  readonly #phases: Phase[] = [];
  readonly #latencies = { control: [] as number[], besieged: [] as number[] };
  readonly #rests: Rest[] = [];
  readonly #found: string[] = [];
  #confessions: readonly Confession[] = [];

  constructor(directory: string, options: SiegeOptions) {
    this.#options = options;
    const path = join(directory, "sock");
    this.#log = join(directory, "log");
    this.#daemon = new Child("./daemon-process.ts", [path, this.#log]);
    this.#honest = Array.from(
      { length: options.honestProcesses },
      (_, number) => new Child("./honest-process.ts", [path, `honest-${number}`]),
    );
    this.#offenders = new Map(kinds.map((kind) => [kind, new Child("./offender-process.ts", [path, kind])]));
    // They are to do harm by what the daemon does for them, not by the processor that they take.
    for (const child of this.#offenders.values()) child.standBack();
  }

  async run(): Promise<Outcome> {
    await this.#rest("before anybody has come");
    // What a daemon takes once, it takes in the first round.
    await this.#crowd(1);
    await this.#rest("after the first round");
    await this.#crowd(this.#options.rounds);
    await this.#rest("after the last round");
    await this.#checkServing();
    const log = this.#judgeLog();
    this.#judgeMemory();
    await this.#daemon.ask("close");
    const { control, besieged } = this.#latencies;
    return {
      phases: this.#phases,
      control: percentile(control, 0.99),
      besieged: percentile(besieged, 0.99),
      timesLonger: this.#timesLonger(),
      rests: this.#rests,
      log,
      found: this.#found,
    };
  }

  /** Each round's phases lie next to each other, so that what else the machine does hits both, or one round alone. */
  #timesLonger(): number {
    const of = (name: Phase["name"]): number[] =>
      this.#phases.filter((phase) => phase.name === name).map(({ p99 }) => p99);
    const [control, besieged] = [of("control"), of("besieged")];
    const ratios = besieged.map((p99, round) => p99 / (control[round] ?? p99)).slice(1);
    return percentile(ratios, 0.5);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [...this.#honest, ...this.#offenders.values(), this.#daemon])
      await child[Symbol.asyncDispose]();
  }

  /** All come, all work, all leave. */
  async #crowd(rounds: number): Promise<void> {
    const { clients, honestProcesses } = this.#options;
    const share = Math.ceil((clients * 7) / 10 / honestProcesses);
    await Promise.all(this.#honest.map((child) => child.ask("connect", share)));
    for (let round = 0; round < rounds; round++) {
      await this.#phase("control");
      for (const child of this.#offenders.values()) await child.ask("begin", clients / 10);
      await this.#phase("besieged");
      const ends = [...this.#offenders.values()].map((child) => child.ask<Confession>("end"));
      this.#confessions = await Promise.all(ends);
    }
    await Promise.all(this.#honest.map((child) => child.ask("leave")));
  }

  async #phase(name: Phase["name"]): Promise<void> {
    const { phaseMs, pauseMs, shakeMs } = this.#options;
    const before = await this.#daemon.ask<number>("cpu");
    const waited = runQueueMs(this.#daemon.pid);
    const begun = performance.now();
    const work: Work = { ms: phaseMs, pauseMs };
    const asked = this.#honest.map((child, number) =>
      child.ask<Testimony>("work", number === 0 ? { ...work, shakeMs } : work, phaseMs),
    );
    const testimonies = await Promise.all(asked);
    const ms = performance.now() - begun;
    const cpu = ((await this.#daemon.ask<number>("cpu")) - before) / ms;
    const starved = (runQueueMs(this.#daemon.pid) - waited) / ms;
    const latencies = testimonies.flatMap((each) => each.latencies);
    this.#latencies[name].push(...latencies);
    const [p50, p99, longest] = [0.5, 0.99, 1].map((share) => percentile(latencies, share)) as [number, number, number];
    this.#phases.push({ name, calls: latencies.length, p50, p99, longest, cpu, starved });
    for (const { errors } of testimonies) {
      if (errors.length > 0) this.#found.push(`${errors.length} errors of honest clients, ${name}: ${errors[0]}`);
    }
  }

  async #rest(name: string): Promise<void> {
    for (let tries = 0; (await this.#daemon.ask<number>("connections")) > 0; tries++) {
      if (tries === 100) this.#found.push(`${name}: connections are left`);
      if (tries === 100) break;
      await wait(100);
    }
    const level = await this.#daemon.ask<Level>("measure");
    this.#rests.push({ ...level, name, descriptors: readdirSync(`/proc/${this.#daemon.pid}/fd`).length });
  }

  async #checkServing(): Promise<void> {
    const [child] = this.#honest;
    await child?.ask("connect", 1);
    const testimony = await child?.ask<Testimony>("work", { ms: 100, pauseMs: 10 });
    await child?.ask("leave");
    if (testimony === undefined || testimony.latencies.length === 0 || testimony.errors.length > 0)
      this.#found.push(`afterwards the daemon does not serve: ${testimony?.errors[0] ?? "no call was answered"}`);
  }

  #judgeLog(): Outcome["log"] {
    const log = new DaemonLog(this.#log);
    const result: Record<string, Readonly<Record<string, number>>> = {};
    this.#honest.forEach(({ pid }, number) => {
      const reasons = log.reasonsOf(pid);
      result[`honest ${number}`] = reasons;
      if (Object.keys(reasons).join() !== "none")
        this.#found.push(`the log speaks of honest clients: ${text(reasons)}`);
    });
    [...this.#offenders].forEach(([kind, { pid }], index) => {
      const reasons = log.reasonsOf(pid);
      result[kind] = reasons;
      this.#judge(kind, reasons, this.#confessions[index] ?? {});
    });
    return result;
  }

  #judge(kind: string, reasons: Readonly<Record<string, number>>, confession: Confession): void {
    if (kind === "never reads") {
      // Whether one was dropped at the very end or has left then is not known to it.
      const { "does not read": dropped = 0, "cut off": left = 0, ...others } = reasons;
      if (Object.keys(others).length > 0 || dropped + left !== sum(confession))
        this.#found.push(`of those who never read the log says ${text(reasons)}, and they ${text(confession)}`);
      if (dropped < this.#options.clients / 10)
        this.#found.push(`only ${dropped} of those who never read were dropped`);
    } else if (text(reasons) !== text(confession)) {
      this.#found.push(`of "${kind}" the log says ${text(reasons)}, and they ${text(confession)}`);
    }
  }

  #judgeMemory(): void {
    const [, first, last] = this.#rests;
    if (first === undefined || last === undefined) return;
    for (const [what, tolerance] of Object.entries(tolerances) as [keyof typeof tolerances, number][]) {
      if (last[what] > first[what] + tolerance)
        this.#found.push(`the daemon has grown: its ${what} from ${first[what]} to ${last[what]} bytes`);
    }
    for (const { name, descriptors } of this.#rests) {
      const before = this.#rests[0]?.descriptors ?? 0;
      if (descriptors !== before) this.#found.push(`${name} there are ${descriptors} descriptors, not ${before}`);
    }
  }
}

/** How long the first thread of a process has waited for a processor. */
function runQueueMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1]) / 1_000_000;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function sum(counts: Confession): number {
  return Object.values(counts).reduce((total, each) => total + each, 0);
}

function text(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).map(([reason, number]) => `${reason}: ${number}`);
  return entries.sort().join(", ");
}
