import type { CallOptions, Connection, Domain, DomainDefinition } from "../client/index.ts";
import { ErrorCode, VirError } from "../protocol/index.ts";
import { ConsoleWatch } from "./console-watch.ts";
import type { EventRecord } from "./event-record.ts";
import { type Expectation, type Oracle, type StepName, steps } from "./oracle.ts";

export interface StepResult {
  readonly guest: string;
  readonly round: number;
  readonly step: StepName;
  readonly what: string;
  readonly outcome: "ok" | "failed" | "skipped";
  readonly ms: number;
  /** Why it was left out, or what is wrong. */
  readonly reason?: string;
  readonly events?: { readonly expected: readonly string[]; readonly seen: readonly string[] };
  readonly state?: { readonly expected: string; readonly seen: string };
  /** How often the driver refused at first, as it had told of an end before it was done with it. */
  readonly repeated?: number;
}

/** A directory on the hypervisor's host in which the beginning of one image has room, and no more. */
export interface FullPlace {
  readonly path: string;
  /** One guest at a time: the others would take that room. */
  readonly inTurn: (use: () => Promise<void>) => Promise<void>;
}

/** What a round is done with. */
export interface RoundSetting {
  readonly connection: Connection;
  readonly oracle: Oracle;
  readonly definition: DomainDefinition;
  readonly events: EventRecord;
  /** For images and dumps, on the hypervisor's host. */
  readonly directory: string;
  /** For each step, in ms. */
  readonly deadlineMs: number;
  /** What the guest says on its console when it hears its power button; undefined: nothing in it does. */
  readonly ready: string | undefined;
  /** Behind that there is a shell on its console. */
  readonly hasShell: boolean;
  /** Where no image has room; undefined: there is no such place. */
  readonly full: FullPlace | undefined;
  /** How long a call may take that has nothing to do with a frozen guest, in ms. */
  readonly otherCallMs: number;
  /** Sends a signal to the guest's process, where that is on this host and allowed; false: it is not. */
  readonly signal: ((uuid: string, signal: string) => Promise<boolean>) | undefined;
  readonly remove: (path: string) => Promise<void>;
  readonly now: () => number;
}

/** What a call about a guest that answers nothing is given, in ms. */
export const patienceMs = 2_000;

/** What a driver has between telling that a domain has ended and taking one of that name again, in ms. */
const handoverMs = 500;

/** How a step failed before it could be looked at. */
class StepFailure extends Error {}

/** One guest, once through all that there is, each step against what it does, what is told of it, and what was before it. */
export class GuestRound {
  readonly #setting: RoundSetting;
  readonly #round: number;
  readonly #report: (result: StepResult) => void;
  #domain: Domain | undefined;
  /** Of its runs, in the rounds before too. */
  readonly #ids: number[];
  #optional: readonly string[] = [];
  #isBroken = false;
  #repeated = 0;

  /** `ids`: of the guest's runs in the rounds before; those of this one are added. */
  constructor(setting: RoundSetting, round: number, ids: number[], report: (result: StepResult) => void) {
    this.#setting = setting;
    this.#round = round;
    this.#ids = ids;
    this.#report = report;
  }

  /** Never rejects: what goes wrong is reported, and what depends on it is left out. */
  async run(): Promise<void> {
    const { connection, definition, directory } = this.#setting;
    const image = `${directory}/${definition.name}.save`;
    const core = `${directory}/${definition.name}.core`;
    await this.#step("define", async (options) => {
      this.#domain = await connection.domainDefineXml(definition, options);
    });
    await this.#step("start", (options) => this.#guest.create(options));
    await this.#step("destroy", (options) => this.#guest.destroy(options));
    await this.#step("undefine", (options) => this.#guest.undefine(options));
    await this.#step("create", (options) => this.#create(options));
    await this.#obeying();
    await this.#step("createAgain", (options) => this.#create(options));
    const word = crypto.randomUUID();
    await this.#mark(word);
    await this.#saveFull();
    await this.#step("save", (options) => this.#guest.save(image, options));
    await this.#step("restore", (options) => connection.domainRestore(image, options));
    await this.#recall(word);
    await this.#step("dump", (options) => this.#guest.coreDump(core, options));
    await this.#step("destroyDumped", (options) => this.#guest.destroy(options));
    await this.#step("createReused", (options) => this.#create(options));
    await this.#step("setMemory", (options) => this.#setMemory(options));
    await this.#step("setVcpus", (options) => this.#setVcpus(options));
    await this.#freeze();
    await this.#kill();
    await this.#step("end", (options) => this.#guest.destroy(options));
    await this.#cleanUp([image, core]);
  }

  get #guest(): Domain {
    return this.#domain as Domain;
  }

  /** libvirt tells of an end, finds the domain no more, and still refuses a new one for a moment: that is counted, not failed. */
  async #create(options: CallOptions): Promise<void> {
    const { connection, definition, now } = this.#setting;
    const until = now() + handoverMs;
    for (;;) {
      try {
        this.#domain = await connection.domainCreateXml(definition, options);
        return;
      } catch (error) {
        const isRemoved = error instanceof VirError && error.code === ErrorCode.operationFailed;
        if (!isRemoved || now() > until) throw error;
        this.#repeated += 1;
      }
    }
  }

  /** What the guest itself has a part in, and what comes before. */
  async #obeying(): Promise<void> {
    const { oracle, ready } = this.#setting;
    const lacksSystem = !oracle.isSimulated && ready === undefined;
    const skip = lacksSystem ? "nothing in the guest would obey: give --definition and --ready" : undefined;
    // A run has a console of its own.
    const isAnotherRun = oracle.expectations.reboot.beginsRun === true;
    await using console = this.#isBroken ? undefined : await this.#listen();
    await this.#step("suspend", (options) => this.#guest.suspend(options));
    await this.#step("resume", (options) => this.#guest.resume(options));
    const reboot = async (options: CallOptions): Promise<void> => {
      await hear(console, 1, options.signal);
      await this.#guest.reboot(options);
      if (!isAnotherRun) await hear(console, 2, options.signal);
    };
    await this.#step("reboot", reboot, skip);
    const shutdown = async (options: CallOptions): Promise<void> => {
      await using next = isAnotherRun ? await this.#listen() : undefined;
      await hear(next, 1, options.signal);
      await this.#guest.shutdown(options);
    };
    await this.#step("shutdown", shutdown, skip);
    if (lacksSystem) await this.#step("stop", (options) => this.#guest.destroy(options));
  }

  /** Undefined: nothing is said that would have to be heard. */
  async #listen(): Promise<ConsoleWatch | undefined> {
    const { ready, deadlineMs } = this.#setting;
    return ready === undefined ? undefined : ConsoleWatch.open(this.#guest, ready, deadlineMs);
  }

  /** Why the guest cannot be asked whether it still knows what it knew. */
  get #noShell(): string | undefined {
    if (this.#setting.oracle.isSimulated) return "a simulated guest has no memory";
    return this.#setting.hasShell
      ? undefined
      : "there is no shell on its console: give --definition, --ready and --shell";
  }

  /** In a variable of its shell: nowhere but in its memory. */
  async #mark(word: string): Promise<void> {
    const mark = async ({ signal }: CallOptions): Promise<void> => {
      await using console = await this.#listen();
      await hear(console, 1, signal);
      await console?.type(`word=${word}\n`);
      await hear(console, 2, signal);
    };
    await this.#step("mark", mark, this.#noShell);
  }

  async #recall(word: string): Promise<void> {
    const recall = async ({ signal }: CallOptions): Promise<void> => {
      await using console = await ConsoleWatch.open(this.#guest, `it-is-${word}`, this.#setting.deadlineMs);
      // What is typed is shown as well: that is not the answer yet.
      await console.type('echo "it-is-$word"\n');
      if (!(await console.heard(1, signal)))
        throw new StepFailure(`the guest does not know the word any more; its last words: ${console.last}`);
    };
    await this.#step("recall", recall, this.#noShell);
  }

  /** What cannot be saved is not lost. */
  async #saveFull(): Promise<void> {
    const { full, definition } = this.#setting;
    const save = async (options: CallOptions): Promise<void> => {
      const saved = await this.#guest.save(`${full?.path}/${definition.name}.save`, options).then(
        () => true,
        (error: unknown) => {
          if (!(error instanceof VirError) || error.code === ErrorCode.operationTimeout) throw error;
          return false;
        },
      );
      if (saved) throw new StepFailure("it was saved where there is no room");
    };
    if (full === undefined) await this.#step("saveFull", save, "no disk is there that is full");
    else await full.inTurn(() => this.#step("saveFull", save));
  }

  async #step(step: StepName, act: (options: CallOptions) => Promise<unknown>, skip?: string): Promise<void> {
    const { oracle, deadlineMs, now } = this.#setting;
    const reason = this.#isBroken ? "a step before it has failed" : skip;
    const base = { guest: this.#setting.definition.name, round: this.#round, step, what: steps[step] };
    if (reason !== undefined) return this.#report({ ...base, outcome: "skipped", ms: 0, reason });
    const begun = now();
    const expected = oracle.expectations[step];
    const signal = AbortSignal.timeout(deadlineMs);
    this.#repeated = 0;
    const result = await this.#judge(expected, signal, act);
    this.#isBroken = result.reason !== undefined;
    const repeated = this.#repeated > 0 ? { repeated: this.#repeated } : {};
    const outcome = this.#isBroken ? "failed" : "ok";
    this.#report({ ...base, outcome, ms: Math.round(now() - begun), ...result, ...repeated });
  }

  async #judge(
    expected: Expectation,
    signal: AbortSignal,
    act: (options: CallOptions) => Promise<unknown>,
  ): Promise<Pick<StepResult, "reason" | "events" | "state">> {
    const { events, deadlineMs } = this.#setting;
    events.skip(this.#optional);
    const early = events.drain();
    if (early.length > 0) return { reason: "events that nothing has caused", events: { expected: [], seen: early } };
    try {
      await act({ timeoutMs: deadlineMs, signal });
    } catch (error) {
      const seen = events.drain();
      return { reason: describe(error), ...(seen.length > 0 && { events: { expected: expected.events, seen } }) };
    }
    const { seen, fits } = await events.expect(expected.events, signal);
    this.#optional = expected.events;
    const told = { expected: expected.events, seen };
    const state = { expected: expected.state, seen: "" };
    try {
      // Events that did not come have taken all the time: what it does is to be shown all the same.
      state.seen = await this.#state(
        signal.aborted ? AbortSignal.timeout(patienceMs) : signal,
        expected.beginsRun === true,
      );
    } catch (error) {
      return { reason: describe(error), events: told, state };
    }
    if (!fits) return { reason: "other events than expected", events: told, state };
    if (!isState(state.seen, expected.state)) return { reason: "another state than expected", events: told, state };
    return { events: told, state };
  }

  /** As the domain is found by its uuid: what is known here may be of the run before. */
  async #state(signal: AbortSignal, beginsRun: boolean): Promise<string> {
    const { connection, definition } = this.#setting;
    const uuid = definition.uuid as string;
    let found: Domain;
    try {
      found = await connection.domainLookupByUuid(uuid, { signal });
      const { state, reason } = await found.status({ signal });
      this.#checkIdentity(found, state, beginsRun);
      this.#domain = found;
      return `${state} ${reason}`;
    } catch (error) {
      if (error instanceof VirError && error.code === ErrorCode.noDomain) return "gone";
      throw error;
    }
  }

  /** A run has an id that no run of this domain has had; without a run there is none. */
  #checkIdentity({ id, name, uuid }: Domain, state: string, beginsRun: boolean): void {
    const { definition } = this.#setting;
    if (name !== definition.name || uuid !== definition.uuid) {
      throw new StepFailure(`it is called ${name} ${uuid}, not ${definition.name} ${definition.uuid}`);
    }
    if ((id === -1) !== (state === "shutoff")) throw new StepFailure(`it is ${state}, and its id is ${id}`);
    if (beginsRun && this.#ids.includes(id)) throw new StepFailure(`its id is ${id}, as in a run before`);
    if (!beginsRun && id !== -1 && id !== this.#ids.at(-1)) throw new StepFailure(`its id has become ${id}`);
    if (beginsRun) this.#ids.push(id);
  }

  async #setMemory(options: CallOptions): Promise<void> {
    const { definition } = this.#setting;
    const domain = this.#domain as Domain;
    const half = definition.memory / 2048n;
    await domain.setMemory(half, { ...options, flags: "live" });
    // A guest gives memory back at its own pace, if anything in it does.
    if (!this.#setting.oracle.isSimulated) return;
    const { memory } = await domain.getInfo(options);
    if (memory !== half) throw new StepFailure(`it has ${memory} KiB, and was to have ${half}`);
  }

  async #setVcpus(options: CallOptions): Promise<void> {
    const { definition, oracle } = this.#setting;
    const { current, maximum } = definition.vcpus;
    // What a real guest has had from its start stays with it; more can be added.
    const wanted = oracle.isSimulated ? Math.max(1, current - 1) : maximum;
    if (wanted === current) return;
    await this.#guest.setVcpus(wanted, { ...options, flags: "live" });
    // What it was given: a guest takes processors into use at its own pace, if anything in it does.
    const given = await this.#guest.getVcpusFlags({ ...options, flags: "live" });
    if (given !== wanted) throw new StepFailure(`it has ${given} processors, and was to have ${wanted}`);
  }

  /** Without its process a guest answers nothing: calls about it end by their deadline, and others are not held up. */
  async #freeze(): Promise<void> {
    const { signal, definition, connection, otherCallMs, now } = this.#setting;
    const uuid = definition.uuid as string;
    const freeze = async (): Promise<void> => {
      if (!(await this.#signal("SIGSTOP"))) throw new StepFailure("no process of it was found");
      try {
        const begun = now();
        const asked = this.#guest.memoryStats({ timeoutMs: patienceMs }).then(
          () => now() - begun,
          () => now() - begun,
        );
        await connection.domainLookupByUuid(uuid, { timeoutMs: otherCallMs });
        await connection.domains({ timeoutMs: otherCallMs });
        const took = await asked;
        if (took > 2 * patienceMs)
          throw new StepFailure(`a call with ${patienceMs} ms has taken ${Math.round(took)} ms`);
      } finally {
        await signal?.(uuid, "SIGCONT");
      }
    };
    await this.#step("freeze", freeze, this.#whyNoProcess);
  }

  /** Why no process can be reached. */
  get #whyNoProcess(): string | undefined {
    const { oracle, signal } = this.#setting;
    return oracle.whyNoProcess ?? (signal === undefined ? "its process cannot be reached from here" : undefined);
  }

  async #signal(name: string): Promise<boolean> {
    const { signal, definition } = this.#setting;
    return (await signal?.(definition.uuid as string, name)) === true;
  }

  /** The guest goes down with its process, and comes again. */
  async #kill(): Promise<void> {
    const skip = this.#whyNoProcess;
    const kill = async (): Promise<void> => {
      if (!(await this.#signal("SIGKILL"))) throw new StepFailure("no process of it was found");
    };
    await this.#step("kill", kill, skip);
    if (skip === undefined) await this.#step("createReused", (options) => this.#create(options));
  }

  /** Nothing is to be left, however the round went. */
  async #cleanUp(paths: readonly string[]): Promise<void> {
    const { connection, definition, remove } = this.#setting;
    if (this.#isBroken) {
      await this.#quietly(async () => {
        const left = await connection.domainLookupByUuid(definition.uuid as string, { timeoutMs: 5_000 });
        await this.#quietly(() => left.destroy({ timeoutMs: 5_000 }));
        await this.#quietly(() => left.undefine({ timeoutMs: 5_000 }));
      });
      this.#setting.events.drain();
    }
    for (const path of paths) await this.#quietly(() => remove(path));
  }

  async #quietly(act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch {
      // It was only to be cleared away.
    }
  }
}

/** Nothing has to be heard where nobody listens. */
async function hear(console: ConsoleWatch | undefined, count: number, signal: AbortSignal | undefined): Promise<void> {
  if (console === undefined || (await console.heard(count, signal))) return;
  throw new StepFailure(`the guest has not said "${console.wanted}" in time; its last words: ${console.last}`);
}

function isState(seen: string, expected: string): boolean {
  return expected === "" || seen === expected || seen.startsWith(`${expected} `);
}

function describe(error: unknown): string {
  if (error instanceof VirError) return `${error.message} (code ${error.code})`;
  return error instanceof Error ? error.message : String(error);
}
