import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../../fuzz/random.ts";
import type { Loop } from "../../../src/event/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import { DaemonClient } from "./daemon-client.ts";
import { DaemonLife } from "./daemon-life.ts";
import { History } from "./history.ts";
import { observe } from "./observation.ts";
import type { Moment } from "./sudden-end.ts";
import { TestedGuest } from "./tested-guest.ts";

export interface OrdealOptions {
  readonly kills: number;
  readonly seed: number;
  /** Below it everything is kept. Default: the system's temporary directory. */
  readonly directory?: string;
  readonly domains?: number;
  /** However its end was chosen, no life lasts longer than this after the daemon serves. */
  readonly longestLifeMs: number;
  readonly onLife?: (outcome: Outcome) => void;
}

export interface Outcome {
  readonly kills: number;
  /** Of them, those that came before the daemon served. */
  readonly early: number;
  readonly sent: number;
  readonly confirmed: number;
  readonly events: number;
  /** Longest time until the daemon served, in ms. */
  readonly longestStartMs: number;
  readonly warnings: readonly string[];
  /** What is not as it must be, in sentences. */
  readonly found: readonly string[];
}

/** When a life ends: after so much time, or so many of something. */
interface End {
  readonly of: "time" | "sent" | "confirmed" | "told" | "files";
  readonly count: number;
}

const ends = ["time", "sent", "confirmed", "told", "files", "files", "files"] as const;
const longestStartMs = 10_000;
/** The end of the process may cut off a line of several pages. */
const allowed = /ended in the middle of an event: its last \d+ bytes were cut off$/;

/**
 * Kills a real daemon again and again while clients change its domains, and looks after each start whether everything
 * that was confirmed is there, in its state and in what is told of it. Stops where something is found.
 */
export async function endure(options: OrdealOptions): Promise<Outcome> {
  const directory = mkdtempSync(join(options.directory ?? tmpdir(), "virtwright-kill-"));
  const loop = openLoop();
  try {
    return await new Ordeal(loop, directory, options).run();
  } finally {
    await loop.close();
    rmSync(directory, { recursive: true });
  }
}

class Ordeal {
  readonly #loop: Loop;
  readonly #options: OrdealOptions;
  readonly #path: string;
  readonly #state: string;
  readonly #uri: string;
  readonly #found: string[] = [];
  readonly #history: History;
  readonly #guests: readonly TestedGuest[];
  readonly #counts = { kills: 0, early: 0, sent: 0, confirmed: 0, longestStartMs: 0 };
  readonly #warnings: string[] = [];
  /** Of this life. */
  #onCount: (of: End["of"]) => void = () => {};

  constructor(loop: Loop, directory: string, options: OrdealOptions) {
    this.#loop = loop;
    this.#options = options;
    this.#path = join(directory, "sock");
    this.#state = join(directory, "state");
    this.#uri = `test:///default?state=${encodeURIComponent(this.#state)}`;
    const onFound = (sentence: string): void => void this.#found.push(sentence);
    this.#history = new History(onFound);
    this.#guests = Array.from({ length: options.domains ?? 8 }, (_, index) => {
      return new TestedGuest({
        name: `d${index}`,
        uuid: `11111111-2222-3333-4444-${String(index).padStart(12, "0")}`,
        random: new Random(options.seed, 1_000_000 + index),
        onSent: () => {
          this.#counts.sent++;
          this.#onCount("sent");
        },
        onConfirmed: () => {
          this.#counts.confirmed++;
          this.#onCount("confirmed");
        },
        onFound,
      });
    });
  }

  get outcome(): Outcome {
    return { ...this.#counts, events: this.#history.length, warnings: this.#warnings, found: this.#found };
  }

  async run(): Promise<Outcome> {
    const { kills, onLife } = this.#options;
    while (this.#counts.kills < kills && this.#found.length === 0) {
      await this.#live(this.#chooseEnd());
      onLife?.(this.outcome);
    }
    if (this.#found.length === 0) await this.#endInOrder();
    return this.outcome;
  }

  #chooseEnd(): End {
    const random = new Random(this.#options.seed, this.#counts.kills);
    const of = random.pick(ends) ?? "time";
    // One in three of those within the file system comes before the daemon serves.
    const files = random.below(3) === 0 ? 80 : 1_500;
    return { of, count: 1 + random.below(of === "time" ? 400 : of === "files" ? files : 300) };
  }

  async #live({ of, count }: End): Promise<void> {
    const place = (["before", "during", "after"] as const)[count % 3] ?? "before";
    const moment: Moment | undefined = of === "files" ? { operation: count, place } : undefined;
    await using life = new DaemonLife(this.#path, this.#uri, moment);
    let left = count;
    this.#onCount = (what) => {
      if (what === of && --left === 0) life.kill();
    };
    const isServed = await life.serves();
    const timer = setTimeout(() => life.kill(), of === "time" ? count : this.#options.longestLifeMs);
    if (isServed) await this.#use(life);
    const { code, signal } = await life.ended;
    clearTimeout(timer);
    this.#counts.kills++;
    if (!isServed) this.#counts.early++;
    if (signal !== "SIGKILL") this.#found.push(`the daemon has ended by itself: ${signal ?? `exit code ${code}`}`);
    this.#judgeLife(life);
  }

  /** Until it ends. */
  async #use(life: DaemonLife): Promise<void> {
    try {
      await this.#with(async (client) => {
        await this.#judge(client, life);
        for (const guest of this.#guests) await guest.repeatLost(client);
        if (this.#found.length > 0) return life.kill();
        await Promise.all(this.#guests.map((guest) => guest.work(client)));
      });
    } catch (error) {
      const isOver = await Promise.race([life.ended.then(() => true), this.#soon()]);
      if (!isOver) {
        this.#found.push(`a client fails while the daemon lives: ${String(error)}`);
        life.kill();
      }
    }
  }

  /** The end of a connection is seen before that of the process. */
  #soon(): Promise<boolean> {
    return new Promise((resolve) => setTimeout(() => resolve(false), 2_000).unref());
  }

  /** With one connection that changes, and another that listens. */
  async #with(use: (client: DaemonClient) => Promise<void>): Promise<void> {
    await using listening = await DaemonClient.open(this.#loop, this.#path, this.#uri, (event) => {
      this.#history.take(event);
      this.#onCount("told");
    });
    await this.#history.open(listening);
    await using client = await DaemonClient.open(this.#loop, this.#path, this.#uri);
    await use(client);
  }

  async #judge(client: DaemonClient, life: DaemonLife): Promise<void> {
    const uuids = this.#guests.map(({ uuid }) => uuid);
    const { position } = await client.own.snapshot({ start: 0n, limit: 1, stats: 0, withXml: false });
    await this.#history.reaches(position.sequence, AbortSignal.any([life.over, AbortSignal.timeout(10_000)]));
    const seen = await observe(client, uuids, (sentence) => this.#found.push(sentence));
    for (const guest of this.#guests) guest.judge(seen.get(guest.uuid), this.#history.of(guest.uuid));
    const names = [this.#state, join(this.#state, "guests")].flatMap((path) => readdirSync(path));
    for (const name of names) if (name.endsWith(".new")) this.#found.push(`${name} is left`);
    const kept = names.filter((name) => name.endsWith(".json")).length;
    if (kept !== seen.size + 1) this.#found.push(`there are ${kept} records of ${seen.size + 1} domains`);
  }

  #judgeLife({ warnings, startMs = 0 }: DaemonLife): void {
    this.#warnings.push(...warnings);
    for (const each of warnings) if (!allowed.test(each)) this.#found.push(`the daemon warns: ${each}`);
    this.#counts.longestStartMs = Math.max(this.#counts.longestStartMs, startMs);
    if (startMs > longestStartMs) this.#found.push(`the daemon has served after ${startMs.toFixed(0)} ms only`);
  }

  /** What is there when it ends as it should is there afterwards, and nothing is told of it. */
  async #endInOrder(): Promise<void> {
    let before = 0;
    for (const round of [1, 2]) {
      await using life = new DaemonLife(this.#path, this.#uri);
      if (!(await life.serves())) this.#found.push("the daemon does not serve any more");
      else await this.#with((client) => this.#judge(client, life));
      const { code } = await life.end();
      if (code !== 0) this.#found.push(`the daemon ends with ${code}`);
      this.#judgeLife(life);
      if (round === 2 && this.#history.length !== before) this.#found.push("an end in order is followed by events");
      before = this.#history.length;
    }
  }
}
