import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../../../fuzz/random.ts";
import type { Loop } from "../../../src/event/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import type { Domain } from "../../../src/protocol/index.ts";
import { DaemonClient } from "../killed-daemon/daemon-client.ts";
import { DaemonLife } from "../killed-daemon/daemon-life.ts";
import { History, wrongIn } from "../killed-daemon/history.ts";
import { type Disturbance, playScript, type ScriptGuest } from "../rounds/script.ts";
import type { LibxlRole, XenHost } from "./xen-host.ts";
import { growth, type Leftovers, leftovers } from "./xen-leftovers.ts";

export interface XenOrdealOptions {
  readonly rounds: number;
  /** The first round's number, for its choices. */
  readonly from: number;
  readonly seed: number;
  readonly guests: number;
  readonly onRound: (outcome: XenOutcome, sentence: string) => void;
}

export interface XenOutcome {
  readonly rounds: number;
  readonly kills: Readonly<Record<Victim, number>>;
  readonly events: number;
  /** Domains that were found running by the next daemon. */
  readonly survivors: number;
  readonly longestStartMs: number;
  /** What daemons have complained of: that processes end, for one. */
  readonly warnings: readonly string[];
  /** What is not as it must be, in sentences. */
  readonly found: readonly string[];
}

type Victim = "daemon" | LibxlRole;

const uri = "xen:///system";
/** Emulated, a daemon takes its time to start. */
const startMs = 300_000;
const toldMs = 60_000;
/** Whoever needs a process that was killed knows so soon that it is gone. */
const noticedMs = 2_000;

/** Guests go through the script at once, while the daemon, or a process of libxl, is killed at a moment of each round. */
export async function endureOnXen(
  options: XenOrdealOptions,
  openHost: (loop: Loop, directory: string) => XenHost,
): Promise<XenOutcome> {
  const directory = mkdtempSync(join(tmpdir(), "vwx-"));
  const loop = openLoop();
  try {
    return await new XenOrdeal(loop, directory, openHost(loop, directory), options).run();
  } finally {
    await loop.close();
    rmSync(directory, { recursive: true });
  }
}

/** One daemon, and who is connected to it. */
interface Serving {
  readonly life: DaemonLife;
  readonly client: DaemonClient;
  readonly listening: DaemonClient;
  /** What it held when it was quiet for the first time. */
  held?: Leftovers;
}

class XenOrdeal implements Disturbance {
  readonly #loop: Loop;
  readonly #directory: string;
  readonly #host: XenHost;
  readonly #options: XenOrdealOptions;
  readonly #found: string[] = [];
  readonly #history = new History((sentence) => void this.#found.push(sentence));
  readonly #doms: readonly Domain[];
  readonly #counts = { rounds: 0, survivors: 0, longestStartMs: 0 };
  readonly #kills: Record<Victim, number> = { daemon: 0, observer: 0, operations: 0 };
  readonly #warnings: string[] = [];
  #serving: Promise<Serving>;
  /** The last that served: its client may have been cut off. */
  #current: Serving | undefined;
  #before: Leftovers | undefined;
  /** Of libxl's processes that have been through a whole round: how many descriptors each had then. */
  readonly #descriptors = new Map<number, number>();
  #met: ReadonlySet<number> = new Set();
  #roundMs = Number.POSITIVE_INFINITY;
  #calmFrom = 0;
  count = 0;

  constructor(loop: Loop, directory: string, host: XenHost, options: XenOrdealOptions) {
    this.#loop = loop;
    this.#directory = directory;
    this.#host = host;
    this.#options = options;
    mkdirSync(join(directory, "saves"));
    this.#doms = Array.from({ length: options.guests }, (_, index) => {
      return { name: `s${index}`, uuid: `44444444-5555-6666-7777-${String(index).padStart(12, "0")}`, id: -1 };
    });
    this.#serving = this.#serve();
  }

  async run(): Promise<XenOutcome> {
    const { rounds, from, onRound } = this.#options;
    await this.#serving;
    for (let round = 0; round < rounds && this.#found.length === 0; round++) {
      const begun = performance.now();
      const kill = round === 0 ? "nobody is killed" : undefined;
      const random = new Random(this.#options.seed, from + round);
      const work = Promise.all(this.#doms.map((dom) => this.#play(dom)));
      const [, killed] = await Promise.all([work, kill ?? this.#disturb(random, work)]);
      const ms = Math.round(performance.now() - begun);
      // Who is killed lengthens a round, and the first has its files to read.
      this.#roundMs = Math.min(this.#roundMs, ms);
      if (round === 0) await this.#lookBeside();
      await this.#judge(from + round);
      this.#counts.rounds++;
      onRound(this.#outcome, `round ${from + round}: ${killed}; ${ms} ms`);
    }
    await this.#end();
    return this.#outcome;
  }

  async #lookBeside(): Promise<void> {
    const { client } = await this.#serving;
    this.#found.push(...((await this.#host.lookBeside?.(client, this.#directory)) ?? []));
  }

  /** A job of the domain has its turn behind whatever the daemon before has left. */
  async settled(dom: Domain): Promise<void> {
    const { client } = await this.#serving;
    await client.call.domainManagedSaveRemove({ dom, flags: 0 }).catch(() => {});
    const { position } = await client.own.snapshot({ start: 0n, limit: 1, stats: 0, withXml: false }).catch(() => ({
      position: { sequence: this.#history.last },
    }));
    await this.#history.reaches(position.sequence, AbortSignal.timeout(toldMs));
  }

  get heardMs(): number {
    return this.#host.heardMs;
  }

  get isUnderWay(): boolean {
    return performance.now() < this.#calmFrom;
  }

  get #outcome(): XenOutcome {
    const [kills, warnings, found] = [this.#kills, this.#warnings, this.#found];
    return { ...this.#counts, kills, events: this.#history.length, warnings, found };
  }

  async #play(dom: Domain): Promise<void> {
    const current = (): DaemonClient => (this.#current as Serving).client;
    const guest: ScriptGuest = {
      get client() {
        return current();
      },
      history: this.#history,
      dom,
      xml: this.#host.definitionOf(dom),
      file: join(this.#directory, "saves", `${dom.name}.save`),
    };
    const problem = await playScript(this.#host.script, guest, { toldMs, disturbance: this });
    if (problem !== undefined) this.#found.push(problem);
  }

  /** Somebody is killed, once in the time that a round takes. Resolves with who and when, in words. */
  async #disturb(random: Random, work: Promise<unknown>): Promise<string> {
    const after = random.below(this.#roundMs);
    const victim = random.pick<Victim>(["daemon", "observer", "operations", "operations"]) ?? "daemon";
    const over = new AbortController();
    work.finally(() => over.abort()).catch(() => {});
    await sleep(after, undefined, { signal: over.signal }).catch(() => {});
    if (over.signal.aborted) return "it was over before anybody was killed";
    if (victim === "daemon") return this.#killDaemon(after);
    if (!this.#host.kill(victim, random)) return `there was no process of ${victim} to be killed`;
    this.#hit(victim);
    return `a process of ${victim} was killed after ${after} ms`;
  }

  async #killDaemon(after: number): Promise<string> {
    const { life } = await this.#serving;
    this.#hit("daemon");
    life.kill();
    this.#calmFrom = Number.POSITIVE_INFINITY;
    this.#serving = this.#replace();
    await this.#serving;
    this.#calmFrom = 0;
    return `the daemon was killed after ${after} ms`;
  }

  #hit(victim: Victim): void {
    this.count++;
    this.#kills[victim]++;
    this.#calmFrom = performance.now() + noticedMs;
  }

  async #replace(): Promise<Serving> {
    await this.#leave();
    const serving = await this.#serve();
    await this.#compareLists(serving);
    return serving;
  }

  async #leave(): Promise<void> {
    if (this.#current === undefined) return;
    const { life, client, listening } = this.#current;
    await life.ended;
    await client[Symbol.asyncDispose]();
    await listening[Symbol.asyncDispose]();
    this.#warnings.push(...life.warnings);
  }

  async #serve(): Promise<Serving> {
    const path = join(this.#directory, "sock");
    const life = new DaemonLife(path, uri, undefined, this.#host.daemon, startMs);
    if (!(await life.serves())) throw new Error("the daemon does not serve");
    this.#counts.longestStartMs = Math.max(this.#counts.longestStartMs, life.startMs ?? 0);
    const listening = await DaemonClient.open(this.#loop, path, uri, (event) => this.#history.take(event));
    await this.#history.open(listening);
    const client = await DaemonClient.open(this.#loop, path, uri);
    this.#current = { life, client, listening };
    return this.#current;
  }

  /** What runs is listed once; nothing is listed as running that Xen has not. */
  async #compareLists({ client }: Serving): Promise<void> {
    const { domains } = await client.call.connectListAllDomains({ needResults: 1, flags: 1 });
    const ours = domains.filter(({ id }) => id > 0);
    this.#counts.survivors += ours.length;
    for (const key of ["id", "uuid", "name"] as const) {
      if (new Set(ours.map((dom) => dom[key])).size < ours.length)
        this.#found.push(`two domains of one ${key} are listed: ${ours.map((dom) => dom[key]).join(" ")}`);
    }
  }

  /** When all guests have gone. */
  async #judge(round: number): Promise<void> {
    const { life } = await this.#serving;
    for (const { name, uuid } of this.#doms) {
      for (const sentence of wrongIn(this.#history.of(uuid), false)) this.#found.push(`${name} ${sentence}`);
    }
    const serving = this.#current as Serving;
    const grown = (now: Leftovers): string[] => {
      const { nodes } = this.#before ?? now;
      return growth({ ...(serving.held ?? now), nodes, descriptors: this.#descriptors }, now);
    };
    const now = await leftovers(() => this.#host.look(this.#directory, life), grown);
    for (const sentence of grown(now)) this.#found.push(`after round ${round} ${sentence}`);
    serving.held ??= now;
    this.#before ??= now;
    // libxl opens a pipe that it keeps at its first create or watch: after a whole round of its own each has had that.
    for (const [pid, count] of now.descriptors)
      if (this.#met.has(pid) && !this.#descriptors.has(pid)) this.#descriptors.set(pid, count);
    this.#met = new Set(now.descriptors.keys());
  }

  async #end(): Promise<void> {
    const { life } = await this.#serving;
    const leaving = life.end();
    await this.#leave();
    const { code } = await leaving;
    if (code !== 0) this.#found.push(`the daemon ends with ${code}`);
    const left = await this.#host.outliving();
    if (left > 0) this.#found.push(`${left} processes of libxl outlive the daemon`);
  }
}
