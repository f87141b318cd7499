import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Journal, type Stamped } from "../../src/model/index.ts";
import { seededRandom } from "../../src/testkit/index.ts";
import { HandLoop } from "../qmp/hand-host.ts";
import { type Fault, FaultyFiles } from "./faulty-files.ts";

const keep = 1_000;

interface Life {
  /** Of the operations of opening, the one from which on it is dead already. */
  readonly diesOpening: number | undefined;
  /** Appended, with time passing (ms) after each. */
  readonly appends: readonly { count: number; ms: number }[];
  /** Of the operations of this life, the one from which on the machine is dead. */
  readonly crashAt: number;
  readonly faults: readonly { at: number; fault: Fault }[];
  readonly seed: number;
}

const life: fc.Arbitrary<Life> = fc.record({
  diesOpening: fc.option(fc.nat(25), { nil: undefined, freq: 5 }),
  appends: fc.array(fc.record({ count: fc.integer({ min: 1, max: 4 }), ms: fc.constantFrom(0, 20, 60, 1500) }), {
    maxLength: 8,
  }),
  crashAt: fc.integer({ min: 4, max: 60 }),
  faults: fc.array(
    fc.record({ at: fc.integer({ min: 8, max: 60 }), fault: fc.constantFrom<Fault>("ENOSPC", "EIO", "short") }),
    { maxLength: 4 },
  ),
  seed: fc.nat(),
});

/** A journal's disk over several lives of its process, and what ought to be on it. */
class History {
  readonly #files = new FaultyFiles();
  /** What was appended, as far as no crash has taken it. */
  #truth: Stamped<string>[] = [];
  #count = 0;
  /** The last number that was called flushed. */
  #acknowledged = 0;
  #cursor: Journal<string>["position"] | undefined;

  async live({ diesOpening, appends, crashAt, faults, seed }: Life): Promise<void> {
    const hand = new HandLoop();
    this.#files.crashAt = diesOpening ?? Infinity;
    const journal = await Promise.race([this.#open(hand), hand.settle()]);
    if (journal === undefined) return this.#crash(seed);
    this.#check(journal);
    this.#files.crashAt = this.#files.operations + crashAt;
    const begun = this.#files.operations;
    this.#files.faultAt = (operation) => faults.find(({ at }) => at === operation - begun)?.fault;
    for (const { count, ms } of appends) {
      for (let index = 0; index < count; index++) this.#append(journal);
      if (ms === 0) await hand.settle();
      else await hand.pass(ms);
    }
    assert.deepEqual(hand.errors, []);
    this.#cursor = journal.position;
    this.#crash(seed);
  }

  #crash(seed: number): void {
    const random = seededRandom(seed);
    this.#files.crash((bound) => Math.floor(random() * bound));
  }

  #append(journal: Journal<string>): void {
    const stamped = journal.append(`event ${this.#count++}`);
    this.#truth.push(stamped);
    assert.equal(stamped.sequence, this.#truth.length);
    journal.flushed(stamped.sequence).then(
      () => {
        this.#acknowledged = Math.max(this.#acknowledged, stamped.sequence);
      },
      () => undefined,
    );
  }

  #check(journal: Journal<string>): void {
    const { journal: id, run, sequence } = journal.position;
    assert.ok(sequence >= this.#acknowledged, `${this.#acknowledged} was flushed, and ${sequence} is there`);
    this.#truth = this.#truth.slice(0, sequence);
    const { events, gap } = journal.after({ journal: id, run, sequence: 0 });
    assert.deepEqual(events, this.#truth.slice(-events.length || this.#truth.length));
    const [first] = events;
    assert.deepEqual(
      gap,
      first === undefined || first.sequence === 1 ? undefined : { from: 1, to: first.sequence - 1 },
    );
    if (this.#cursor === undefined || this.#cursor.sequence === 0) return;
    const isLost = this.#cursor.sequence > sequence;
    if (isLost) assert.ok(journal.after(this.#cursor).gap, "a reader of lost events is not told");
    else if (this.#cursor.sequence <= this.#acknowledged)
      assert.deepEqual(journal.after(this.#cursor), { events: this.#truth.slice(this.#cursor.sequence) });
  }

  /** All of it is to be read again. */
  async end(): Promise<void> {
    const hand = new HandLoop();
    const journal = await this.#open(hand);
    this.#check(journal);
    this.#append(journal);
    this.#cursor = journal.position;
    await journal.close();
    assert.equal(this.#acknowledged, this.#truth.length);
    this.#files.crash(() => 0);
    this.#check(await this.#open(hand));
  }

  #open({ loop }: HandLoop): Promise<Journal<string>> {
    const warnings: string[] = [];
    const onWarning = (message: string): void => void warnings.push(message);
    const storage = { loop, files: this.#files, onWarning, segmentBytes: 700, segments: 3 };
    return Journal.open<string>({ now: () => 0, keep }, storage);
  }
}

test("whenever the machine dies: what was flushed is there, without gap, repetition or half an event", async () => {
  const lives = fc.array(life, { minLength: 1, maxLength: 4 });
  const history = async (all: Life[]): Promise<void> => {
    const disk = new History();
    for (const each of all) await disk.live(each);
    await disk.end();
  };
  await fc.assert(fc.asyncProperty(lives, history), { numRuns: 300 });
});
