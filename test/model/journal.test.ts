import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Cursor, DirectoryFiles, Journal, type JournalStoreOptions } from "../../src/model/index.ts";
import { HandLoop } from "../qmp/hand-host.ts";
import { FaultyFiles } from "./faulty-files.ts";

const options = { now: () => 1_700_000_000_000 };

/** A directory in memory with one journal after the other in it. */
class Bench {
  readonly hand = new HandLoop();
  readonly files = new FaultyFiles();
  readonly warnings: string[] = [];

  open(storage: Partial<JournalStoreOptions> = {}, keep = 1_000): Promise<Journal<unknown>> {
    const onWarning = (message: string): void => void this.warnings.push(message);
    return Journal.open<unknown>(
      { ...options, keep },
      { loop: this.hand.loop, files: this.files, onWarning, ...storage },
    );
  }

  /** A journal of so many events, closed. */
  async filled(count: number, storage: Partial<JournalStoreOptions> = {}): Promise<Cursor> {
    const journal = await this.open(storage);
    for (let index = 1; index <= count; index++) journal.append(`event ${index}`);
    await journal.close();
    return journal.position;
  }

  /** Changes a file as no journal would. */
  edit(name: string, change: (lines: string[]) => string): void {
    this.files.put(name, change(this.files.text(name).split("\n")));
  }
}

const first = "00000000000000000001.journal";

function beginning(journal: Journal<unknown>): Cursor {
  return { ...journal.position, sequence: 0 };
}

function numbers(journal: Journal<unknown>, cursor = beginning(journal)): (number | string)[] {
  const { events, gap } = journal.after(cursor);
  return [...(gap === undefined ? [] : [`${gap.from} to ${gap.to} missing`]), ...events.map((each) => each.sequence)];
}

test("events get numbers from 1 and a time, and are there after a cursor", () => {
  const journal = new Journal<string>(options);
  const start = journal.position;
  assert.deepEqual(journal.after(start), { events: [] });
  assert.deepEqual(journal.append("a"), { sequence: 1, time: 1_700_000_000_000, event: "a" });
  const between = journal.position;
  journal.append("b");
  assert.deepEqual(numbers(journal, start), [1, 2]);
  assert.deepEqual(numbers(journal, between), [2]);
  assert.deepEqual(numbers(journal, journal.position), []);
});

test("what memory has no room for is a gap for who has not had it, and for nobody else", () => {
  const journal = new Journal<number>({ ...options, keep: 3 });
  for (let index = 0; index < 10; index++) journal.append(index);
  assert.deepEqual(numbers(journal), ["1 to 7 missing", 8, 9, 10]);
  assert.deepEqual(numbers(journal, { ...journal.position, sequence: 6 }), ["7 to 7 missing", 8, 9, 10]);
  assert.deepEqual(numbers(journal, { ...journal.position, sequence: 7 }), [8, 9, 10]);
});

test("a cursor that is not of this journal, or is ahead of it, has missed everything", () => {
  const journal = new Journal<string>(options);
  journal.append("a");
  const { position } = journal;
  const foreign = [
    new Journal(options).position,
    { ...position, run: "another" },
    { ...position, sequence: 2 },
    { ...position, sequence: -1 },
    { ...position, sequence: 0.5 },
  ];
  for (const cursor of foreign) assert.deepEqual(journal.after(cursor), { events: [], gap: { from: 1, to: 1 } });
});

test("a journal opened again has its id, its events and its numbers; bigints stay bigints", async () => {
  const bench = new Bench();
  const journal = await bench.open();
  const event = { name: "lifecycle", size: 2n ** 63n, nested: [{ low: -1n }] };
  journal.append(event);
  await journal.close();
  const again = await bench.open();
  assert.equal(again.id, journal.id);
  assert.deepEqual(again.after(beginning(again)).events, [{ sequence: 1, time: 1_700_000_000_000, event }]);
  assert.deepEqual(again.after(journal.position), { events: [] }, "a reader goes on where it was");
  assert.equal(again.append("next").sequence, 2);
  await again.written(2);
  assert.deepEqual(numbers(again, journal.position), [2]);
  assert.deepEqual(bench.warnings, []);
});

test("a new journal is on the disk before anybody knows it, and can be told of its first event by the next", async () => {
  const bench = new Bench();
  const journal = await bench.open();
  const { position } = journal;
  bench.files.crash(() => 0);
  const again = await bench.open();
  assert.equal(again.id, journal.id);
  again.append("first");
  await again.written(1);
  assert.deepEqual(numbers(again, position), [1]);
  assert.deepEqual(bench.warnings, []);
  await again.close();
});

test("readers have an event when it has been written, and not before", async () => {
  const bench = new Bench();
  const journal = await bench.open();
  const start = journal.position;
  const seen: string[] = [];
  for (let index = 1; index <= 3; index++) {
    journal.append(index);
    const written = journal.written(index);
    assert.ok(written !== undefined);
    written.then(() => seen.push(`${index}: ${numbers(journal).join()}`), assert.fail);
  }
  assert.deepEqual([numbers(journal), journal.position], [[], start]);
  await bench.hand.settle();
  assert.deepEqual(seen, ["1: 1,2,3", "2: 1,2,3", "3: 1,2,3"], "one write for all of them, told in order");
  assert.equal(journal.written(3), undefined);
  assert.equal(journal.position.sequence, 3);
  await journal.close();
});

test("readers have every event during an outage, and who waits for its writing hears of it", async () => {
  const bench = new Bench();
  const journal = await bench.open();
  bench.files.faultAt = (_, name) => (name === "write" ? "ENOSPC" : undefined);
  journal.append(1);
  await assert.rejects(Promise.all([journal.written(1), bench.hand.settle()]), { code: "ENOSPC" });
  journal.append(2);
  assert.deepEqual(numbers(journal), [1, 2], "at once");
  await assert.rejects(journal.written(2) ?? Promise.resolve(), { code: "ENOSPC" });
  bench.files.faultAt = () => undefined;
  await bench.hand.pass(1_000);
  await bench.hand.pass(50);
  assert.equal(journal.written(2), undefined);
  journal.append(3);
  assert.deepEqual(numbers(journal), [1, 2]);
  await journal.written(3);
  assert.deepEqual(numbers(journal), [1, 2, 3]);
  await journal.close();
});

test("an event is written at once, and synced within 50 ms, together with those after it", async () => {
  const bench = new Bench();
  const journal = await bench.open();
  let flushed = 0;
  const asked: string[] = [];
  bench.files.faultAt = (_, name) => void asked.push(name);
  for (let index = 1; index <= 3; index++) {
    journal.append(index);
    journal.flushed(index).then(() => flushed++, assert.fail);
  }
  await bench.hand.settle();
  assert.deepEqual(asked, ["write"], "one write for what comes at once");
  assert.equal(flushed, 0);
  await bench.hand.pass(40);
  journal.append(4);
  await bench.hand.pass(10);
  assert.equal(flushed, 3);
  assert.deepEqual(asked.slice(1), ["write", "sync"]);
  await journal.flushed(3);
  await assert.rejects(journal.flushed(5), RangeError);
  await journal.close();
  await bench.hand.settle();
  assert.equal(bench.hand.loop.size, 0, "no timer is left");
  assert.throws(() => journal.append("late"), /closed/);
});

test("segments are as long as asked, the oldest go, and the journal begins where they begin", async () => {
  const bench = new Bench();
  const storage = { segmentBytes: 300, segments: 2 };
  const journal = await bench.open(storage);
  for (let index = 1; index <= 20; index++) {
    journal.append(index);
    await bench.hand.settle();
  }
  await journal.close();
  const [older, newer, ...more] = bench.files.names;
  assert.ok(older !== undefined && newer !== undefined && more.length === 0);
  assert.deepEqual(numbers(journal).length, 20, "memory has them still");
  const from = Number.parseInt(older, 10);
  const again = await bench.open(storage);
  const kept = Array.from({ length: 21 - from }, (_, index) => from + index);
  assert.deepEqual(numbers(again), [`1 to ${from - 1} missing`, ...kept]);
  assert.deepEqual(bench.warnings, []);
});

test("a full disk: said once, served from memory, and written without gap or repetition when there is room", async () => {
  const bench = new Bench();
  const journal = await bench.open();
  journal.append(1);
  await bench.hand.pass(100);
  bench.files.faultAt = (_, name) => (name === "write" || name === "truncate" ? "ENOSPC" : undefined);
  journal.append(2);
  await assert.rejects(Promise.all([journal.flushed(2), bench.hand.settle()]), { code: "ENOSPC" });
  journal.append(3);
  const third = assert.rejects(journal.flushed(3), { code: "ENOSPC" });
  await bench.hand.pass(3000);
  await third;
  assert.deepEqual(numbers(journal), [1, 2, 3]);
  assert.equal(bench.warnings.length, 1);
  bench.files.faultAt = () => undefined;
  const all = journal.flushed(3);
  await bench.hand.pass(1100);
  await all;
  assert.match(bench.warnings[1] ?? "", /again/);
  bench.files.crash(() => 0);
  assert.deepEqual(numbers(await bench.open()), [1, 2, 3]);
  assert.equal(bench.warnings.length, 2);
});

test("close rejects when the disk does not take what is left", async () => {
  const bench = new Bench();
  const journal = await bench.open();
  bench.files.faultAt = (_, name) => (name === "sync" ? "EIO" : undefined);
  journal.append(1);
  await assert.rejects(journal.close(), { code: "EIO" });
  await bench.hand.settle();
  assert.equal(bench.hand.loop.size, 0);
});

test("what waits for the disk has a limit: the oldest is given up, said, and a gap for the next reader", async () => {
  const bench = new Bench();
  const journal = await bench.open({ backlogBytes: 250 });
  journal.append(1);
  await bench.hand.pass(100);
  bench.files.faultAt = (_, name) => (name === "write" ? "ENOSPC" : undefined);
  for (let index = 2; index <= 9; index++) journal.append(index);
  await bench.hand.settle();
  bench.files.faultAt = () => undefined;
  const lost = assert.rejects(journal.flushed(2), /given up/);
  await bench.hand.pass(1100);
  await lost;
  await assert.rejects(journal.flushed(2), /given up/);
  await journal.flushed(9);
  const told = bench.warnings.find((message) => message.includes("has no events"));
  const to = Number(/events 2 to (\d)/.exec(told ?? "")?.[1]);
  assert.ok(to > 2 && to < 9, told);
  assert.deepEqual(numbers(journal), [1, 2, 3, 4, 5, 6, 7, 8, 9], "memory has them");
  await journal.close();
  const again = await bench.open();
  const rest = Array.from({ length: 9 - to }, (_, index) => to + 1 + index);
  assert.deepEqual(numbers(again), [`2 to ${to} missing`, 1, ...rest]);
});

test("a disk that took nothing from the beginning leaves no empty segment in the way", async () => {
  const bench = new Bench();
  bench.files.faultAt = (_, name) => (name === "write" ? "EIO" : undefined);
  const journal = await bench.open({ backlogBytes: 200 });
  assert.match(bench.warnings.join(), /cannot be written/, "and is open even so");
  for (let index = 1; index <= 5; index++) journal.append(index);
  await bench.hand.pass(1100);
  bench.files.faultAt = () => undefined;
  await bench.hand.pass(1100);
  await journal.close();
  const again = await bench.open();
  const [gap, ...kept] = numbers(again);
  assert.match(String(gap), /^1 to [1-4] missing$/);
  assert.equal(kept.at(-1), 5);
  assert.equal(bench.files.names.length, 1, bench.files.names.join());
});

test("a torn tail is cut off, whatever its checksum would say, and reported", async () => {
  for (const tear of [
    (text: string) => text.slice(0, -5),
    (text: string) => `${text}0badbad0 {"sequence":4,"time":1}\n`,
  ]) {
    const bench = new Bench();
    await bench.filled(3);
    const whole = bench.files.text(first);
    bench.files.put(first, tear(whole));
    const journal = await bench.open();
    assert.match(bench.warnings.join(), /cut off/);
    assert.ok(whole.startsWith(bench.files.text(first)) && bench.files.text(first).endsWith("}\n"));
    const count = journal.position.sequence;
    assert.deepEqual(numbers(journal), [1, 2, 3].slice(0, count));
    assert.deepEqual(bench.files.names, [first]);
  }
});

test("a reader of what a crash has taken is told so, also when its numbers are others' by now", async () => {
  const bench = new Bench();
  await bench.filled(3);
  const journal = await bench.open();
  for (const event of ["lost", "lost too"]) journal.append(event);
  await bench.hand.settle();
  const ahead = journal.position;
  // The header of this run, and the first of its events, had reached the disk.
  bench.files.crash((bound) => bound - 1);
  bench.edit(first, (lines) => `${lines.slice(0, -2).join("\n")}\n`);
  const again = await bench.open();
  for (const event of ["b", "c", "d"]) again.append(event);
  await again.written(7);
  assert.deepEqual(numbers(again, { ...ahead, sequence: 4 }), [5, 6, 7], "this one is there");
  assert.deepEqual(numbers(again, ahead), ["5 to 5 missing", 5, 6, 7]);
});

test("damage in the middle: a copy is kept, what is good is used, and the rest is a gap", async () => {
  const bench = new Bench();
  await bench.filled(6);
  bench.edit(first, (lines) =>
    lines.map((line, index) => (index === 3 ? line.replace("event", "evant") : line)).join("\n"),
  );
  const damaged = bench.files.text(first);
  const journal = await bench.open();
  assert.deepEqual(numbers(journal), ["3 to 3 missing", 1, 2, 4, 5, 6]);
  assert.equal(bench.files.text(`${first}.damaged`), damaged);
  assert.match(bench.warnings.join(), /is damaged: it is kept as .*has no events 3 to 3/);
  assert.equal(journal.append("next").sequence, 7, "no number is given twice");
  await journal.close();
  const again = await bench.open();
  assert.deepEqual(numbers(again), ["3 to 6 missing", 1, 2, 7]);
  assert.equal(bench.files.text(`${first}.damaged`), damaged, "never written over");
});

test("a lost segment is a gap; one of another journal, or with numbers already there, is set aside", async () => {
  const bench = new Bench();
  const storage = { segmentBytes: 300 };
  const journal = await bench.open(storage);
  for (let index = 1; index <= 9; index++) {
    journal.append(index);
    await bench.hand.settle();
  }
  await journal.close();
  const [one, two, three] = bench.files.names as [string, string, string];
  const to = Number.parseInt(three, 10) - 1;
  await bench.files.remove(two);
  const other = new Bench();
  await other.filled(1);
  bench.files.put("00000000000000000900.journal", other.files.text(first));
  bench.files.put("00000000000000000002.journal", bench.files.text(one));
  const again = await bench.open(storage);
  assert.equal(again.after(beginning(again)).gap?.to, to);
  assert.equal(again.position.sequence, 9);
  assert.deepEqual(
    bench.files.names.filter((name) => name.endsWith(".damaged")),
    ["00000000000000000002.journal.damaged", "00000000000000000900.journal.damaged"],
  );
});

test("an event that nobody can decode any more is a gap", async () => {
  const bench = new Bench();
  await bench.filled(3);
  const decode = (value: unknown): unknown => {
    if (value === "event 2") throw new Error("unknown");
    return value;
  };
  const onWarning = (message: string): void => void bench.warnings.push(message);
  const storage = { loop: bench.hand.loop, files: bench.files, onWarning };
  const journal = await Journal.open({ ...options, decode }, storage);
  assert.deepEqual(numbers(journal), ["2 to 2 missing", 1, 3]);
  assert.match(bench.warnings.join(), /event 2 .*not understood/);
});

test("in a real directory, more than one write's worth", async (context) => {
  const path = await mkdtemp(join(tmpdir(), "virtwright-journal-"));
  context.after(() => rm(path, { recursive: true }));
  const { loop } = new HandLoop();
  const storage = {
    loop,
    files: new DirectoryFiles(join(path, "deep")),
    onWarning: assert.fail,
    segmentBytes: 100_000,
  };
  const journal = await Journal.open<string>({ ...options, keep: 5_000 }, storage);
  for (let index = 1; index <= 20_000; index++) journal.append(`event ${index}, and what there is to say of it`);
  await journal.close();
  assert.ok((await readdir(storage.files.directory)).length > 3);
  const again = await Journal.open<string>({ ...options, keep: 5_000 }, storage);
  const { events, gap } = again.after(beginning(again));
  assert.deepEqual([events.length, gap, events[0]?.sequence], [5_000, { from: 1, to: 15_000 }, 15_001]);
  assert.equal(again.append("one more").sequence, 20_001);
  await again.close();
});

test("events with long texts are dropped sooner, the latest never", () => {
  const journal = new Journal<{ name: string; text: string }>({ ...options, keepCharacters: 1_000 });
  const start = journal.position;
  for (let index = 0; index < 10; index++) journal.append({ name: "e", text: "x".repeat(199) });
  const { events, gap } = journal.after(start);
  assert.deepEqual(
    [events.map(({ sequence }) => sequence), gap],
    [[5, 6, 7, 8, 9, 10].slice(-events.length), { from: 1, to: 10 - events.length }],
  );
  assert.ok(events.length >= 2 && events.length <= 5, `${events.length} are kept`);
  journal.append({ name: "e", text: "y".repeat(5_000) });
  assert.deepEqual(
    journal.after(start).events.map(({ sequence }) => sequence),
    [11],
  );
});
