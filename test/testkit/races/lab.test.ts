import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  boundsFromEnvironment,
  brokenPromises,
  type Cell,
  labTable,
  replayRace,
  runLab,
} from "../../../src/testkit/index.ts";

const cells: readonly Cell[] = [...runLab(boundsFromEnvironment(process.env))];

function verdicts(protocol: string): Record<number, string> {
  const own = cells.filter((cell) => cell.protocol.name === protocol);
  return Object.fromEntries(own.map(({ race, verdict }) => [race.number, verdict]));
}

function failures(protocol: string): number[] {
  const own = Object.entries(verdicts(protocol)).filter(([, verdict]) => verdict !== "holds");
  return own.map(([race]) => Number(race));
}

suite("the race lab", () => {
  test("the protocol of November 2012 fails where its authors feared, and nowhere else", () => {
    assert.deepEqual(failures("naive"), [1, 2, 3, 4, 5, 7, 8, 10, 11]);
  });

  test("an entry check reads freed memory, and takes a reused object or number for the old one", () => {
    assert.deepEqual(failures("entry check"), [1, 2, 3, 4, 7, 10]);
    assert.match(failureOf("entry check", 1), /use after release: operation is read by the entry check/);
    assert.match(failureOf("entry check", 3), /taken for registration 2/);
    assert.match(failureOf("entry check", 4), /somebody else's readiness/);
  });

  test("a lock held over callbacks deadlocks with the context lock in every race", () => {
    assert.deepEqual([...new Set(Object.values(verdicts("lock held")))], ["deadlocks"]);
  });

  test("references keep memory safe, let the late call in, and never let the context go", () => {
    assert.deepEqual(failures("references"), [1, 2, 3, 4, 7, 10]);
    assert.doesNotMatch(failureOf("references", 1), /use after release/);
    assert.match(failureOf("references", 10), /never disposed of/);
  });

  test("two-phase deregistration is exact, and says nothing about a deadline that is modified", () => {
    assert.deepEqual(failures("two-phase"), [7]);
  });

  test("a look at the clock cannot tell an old timeout from a new one", () => {
    assert.deepEqual(failures("time check"), [3]);
  });

  test("what was merged for Xen 4.3 holds", () => {
    assert.deepEqual(failures("merged"), []);
  });

  for (const name of ["ours, 2012 library", "ours, 4.17 library", "ours, across processes"]) {
    test(`${name}: holds against every race, exhaustively to the bound`, (context) => {
      const own = cells.filter((cell) => cell.protocol.name === name);
      assert.deepEqual(failures(name), []);
      assert.ok(own.every(({ exhausted }) => exhausted));
      context.diagnostic(`${own.reduce((sum, { executions }) => sum + executions, 0)} schedules`);
    });
  }

  test("without confinement ours fails: another thread comes between comparing and entering", () => {
    assert.deepEqual(failures("ours, confinement off"), [1, 2, 3, 4, 5, 7, 10]);
  });

  test("without generations ours fails where a descriptor number is reused", () => {
    assert.deepEqual(failures("ours, generation off"), [4, 5]);
  });

  test("every failing schedule replays from its string, step by step the same", () => {
    for (const { protocol, race, failing } of cells) {
      if (failing === undefined) continue;
      const again = replayRace(protocol, race, failing.text);
      assert.deepEqual(again.story, failing.story, `${protocol.name} / ${race.name}`);
      assert.equal(again.failure?.message, failing.failure?.message);
    }
  });

  test("the promise is kept, and is seen to be broken when ours fails or an ablation holds", () => {
    assert.deepEqual(brokenPromises(cells), []);
    const swap = (name: string, verdict: Cell["verdict"]): Cell[] =>
      cells.map((cell) => (cell.protocol.name === name ? { ...cell, verdict } : cell));
    assert.match(
      brokenPromises(swap("ours, 2012 library", "fails"))[0] ?? "",
      /ours, 2012 library fails against race 1/,
    );
    assert.match(brokenPromises(swap("ours, generation off", "holds"))[0] ?? "", /generation off holds/);
  });

  test("the table has a row for each protocol: verdicts, steps of the shortest failure, schedules explored", () => {
    const table = labTable(cells);
    assert.match(table, /^naive +fails \d+\/\d+ /m);
    assert.match(table, /^ours, 4\.17 library( +holds -\/\d+)+$/m);
  });
});

function failureOf(protocol: string, race: number): string {
  const cell = cells.find((other) => other.protocol.name === protocol && other.race.number === race);
  return `${cell?.failing?.failure?.kind}: ${cell?.failing?.failure?.message}`;
}
