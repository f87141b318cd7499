import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import type { Timeout, Watch } from "../../src/event/index.ts";
import { SimFile } from "../../src/testkit/index.ts";
import { LoopFixture } from "./loop-fixture.ts";
import { action, type Callbacks, type Command, event, files, type Subject } from "./model-commands.ts";
import { ReferenceLoop } from "./reference-loop.ts";

/** The real loop, on a simulated host whose descriptor numbers are used again at once. */
class RealLoop extends LoopFixture implements Subject {
  readonly #callbacks: Callbacks;
  readonly #files: { readonly file: SimFile; readonly fd: number }[] = [];
  readonly #registrations: (Watch | Timeout)[] = [];

  constructor(callbacks: Callbacks) {
    super();
    this.#callbacks = callbacks;
  }

  get count(): number {
    return this.#registrations.length;
  }

  override open(): { file: SimFile; fd: number } {
    const opened = super.open(`file ${this.#files.length}`);
    this.#files.push(opened);
    return opened;
  }

  close(file: number): void {
    const { fd = -1 } = this.#files[file] ?? {};
    if (this.#isOpen(file)) this.kernel.close(fd);
  }

  arrive(file: number, ready: number): void {
    for (const each of this.#files.slice(file, file + 1)) each.file.ready |= ready;
  }

  watch(file: number, interest: number): void {
    const { fd = -1, file: open } = this.#files[file] ?? {};
    if (open === undefined || !this.#isOpen(file)) return;
    const id = this.count;
    const callback = (ready: number): void => {
      open.ready = 0;
      this.#callbacks.ready(id, ready);
    };
    this.#registrations.push(this.loop.watch(fd, interest, callback, this.#options(id)));
  }

  timeout(delay: number | "never", every: number | undefined): void {
    const id = this.count;
    const period = every === undefined ? {} : { every };
    const callback = (): void => this.#callbacks.fired(id);
    this.#registrations.push(this.loop.timeout(this.#at(delay), callback, { ...period, ...this.#options(id) }));
  }

  modifyWatch(id: number, interest: number): void {
    const watch = this.#registrations[id];
    if (watch !== undefined && "fd" in watch) watch.modify(interest);
  }

  modifyTimeout(id: number, delay: number | "never"): void {
    const timeout = this.#registrations[id];
    if (timeout !== undefined && !("fd" in timeout)) timeout.modify(this.#at(delay));
  }

  remove(id: number): void {
    this.#registrations[id]?.remove();
  }

  post(job: number): void {
    this.loop.post(() => this.#callbacks.job(job));
  }

  advance(ms: number): void {
    this.host.runUntil(this.loop.now() + ms);
  }

  #options(id: number): { release(): void } {
    return { release: () => this.#callbacks.released(id) };
  }

  #isOpen(file: number): boolean {
    const opened = this.#files[file];
    return opened !== undefined && this.kernel.file(opened.fd) === opened.file;
  }

  #at(delay: number | "never"): number | "never" {
    return delay === "never" ? delay : this.loop.now() + delay;
  }
}

/** Runs the commands and tells everything that was called back; a registration's reaction runs in its first callback. */
function story(
  make: (callbacks: Callbacks) => Subject,
  commands: readonly Command[],
  reactions: readonly Command[],
): string[] {
  const told: string[] = [];
  const reacted = new Set<number>();
  const react = (id: number): void => {
    if (!reacted.has(id)) reactions[id]?.(subject);
    reacted.add(id);
  };
  const subject = make({
    job: (job) => told.push(`job ${job}`),
    fired: (id) => (told.push(`timeout ${id}`), react(id)),
    ready: (id, ready) => (told.push(`watch ${id}: ${ready}`), react(id)),
    released: (id) => told.push(`release ${id}`),
  });
  for (let file = 0; file < files; file++) subject.open();
  for (const command of commands) command(subject);
  for (let id = 0; id < subject.count; id++) subject.remove(id);
  subject.run();
  return told;
}

/** Long ones: short ones seldom get two registrations in each other's way. */
function list(arbitrary: fc.Arbitrary<Command>, maxLength: number): fc.Arbitrary<Command[]> {
  return fc.array(arbitrary, { maxLength, size: "max" });
}

suite("the loop", () => {
  test("calls back exactly what its plain description does, in the same order, whatever is done to it", (t) => {
    let delivered = 0;
    fc.assert(
      fc.property(list(event, 60), list(action, 20), (commands, reactions) => {
        let real: RealLoop | undefined;
        const told = story((callbacks) => (real = new RealLoop(callbacks)), commands, reactions);
        assert.deepEqual(
          told,
          story((callbacks) => new ReferenceLoop(callbacks), commands, reactions),
        );
        assert.deepEqual([real?.errors, real?.loop.size, real?.host.size], [[], 0, 0]);
        delivered += told.length;
      }),
      { numRuns: 5_000 },
    );
    t.diagnostic(`${delivered} callbacks compared`);
  });
});
