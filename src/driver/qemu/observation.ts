import { DeadlineError, Deferred, type Loop } from "../../event/index.ts";
import type { JsonObject } from "../../qmp/index.ts";
import type { Run } from "./run.ts";

/** What QEMU has answered, and how long ago that was when it did not answer just now. */
export interface Observation<T = unknown> {
  readonly value: T;
  /** 0: it is of now. */
  readonly ageMs: number;
}

interface Entry {
  known: { readonly value: unknown; readonly at: number } | undefined;
  /** On its way since `askedAt`; whoever asks the same meanwhile gets its answer. */
  pending: Promise<unknown> | undefined;
  askedAt: number;
}

/** How long a QEMU is waited for of which nothing is known yet. */
const patienceMs = 2000;
/** And one whose last answers could do, for all that it owes together. */
const newsMs = 500;

/**
 * Asks QEMUs for what changes nothing, beside the jobs of their domains: the monitor keeps answers apart. One that does
 * not answer is asked once, and until it has answered what it said last counts: a guest that is stuck keeps nobody
 * waiting.
 */
export class Observations {
  readonly #loop: Loop;
  readonly #runs = new WeakMap<Run, Map<string, Entry>>();

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /**
   * Rejects with DeadlineError when it does not answer and never has; with CommandError and MonitorClosedError as
   * `Run.execute`.
   */
  async ask<T = unknown>(run: Run, command: string, args: JsonObject = {}): Promise<Observation<T>> {
    const entries = this.#entriesOf(run);
    const entry = entryOf(entries, `${command} ${JSON.stringify(args)}`);
    if (!run.isResponsive) return this.#known(entry, command) as Observation<T>;
    try {
      entry.pending ??= this.#ask(run, command, args, entry);
      const { known, pending } = entry;
      if (known !== undefined && !(await this.#comes(pending, entries)))
        return this.#known(entry, command) as Observation<T>;
      return { value: (await pending) as T, ageMs: 0 };
    } catch (error) {
      if (!(error instanceof DeadlineError)) throw error;
      return this.#known(entry, command) as Observation<T>;
    }
  }

  async #ask(run: Run, command: string, args: JsonObject, entry: Entry): Promise<unknown> {
    entry.askedAt = this.#loop.now();
    try {
      const value = await run.execute(command, args, patienceMs);
      entry.known = { value, at: this.#loop.now() };
      return value;
    } finally {
      entry.pending = undefined;
    }
  }

  /** Whether it does in time, with all that was asked before it. Rejects as it does. */
  #comes(news: Promise<unknown>, entries: ReadonlyMap<string, Entry>): Promise<boolean> {
    const owed = [...entries.values()].filter(({ pending }) => pending !== undefined);
    const late = new Deferred<boolean>();
    const at = Math.min(...owed.map(({ askedAt }) => askedAt)) + newsMs;
    const timeout = this.#loop.timeout(at, () => late.resolve(false));
    return Promise.race([news.then(() => true), late.promise]).finally(() => timeout.remove());
  }

  #known({ known }: Entry, command: string): Observation {
    if (known === undefined) throw new DeadlineError(`QEMU has not answered ${command}, and never has before`);
    // Never 0, which would say that it is of now.
    return { value: known.value, ageMs: Math.max(1, this.#loop.now() - known.at) };
  }

  #entriesOf(run: Run): Map<string, Entry> {
    let entries = this.#runs.get(run);
    if (entries === undefined) {
      entries = new Map();
      this.#runs.set(run, entries);
    }
    return entries;
  }
}

function entryOf(entries: Map<string, Entry>, key: string): Entry {
  let entry = entries.get(key);
  if (entry === undefined) {
    entry = { known: undefined, pending: undefined, askedAt: 0 };
    entries.set(key, entry);
  }
  return entry;
}
