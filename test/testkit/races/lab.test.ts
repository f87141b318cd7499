import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  boundsFromEnvironment,
  brokenPromises,
  type Cell,
  labTable,
  raceId,
  replayRace,
  runLab,
} from "../../../src/testkit/index.ts";

const cells: readonly Cell[] = [...runLab(boundsFromEnvironment(process.env))];

function cellsOf(protocol: string): Cell[] {
  return cells.filter((cell) => cell.protocol.name === protocol);
}

/** The races it does not hold against: "1 2 5b". */
function failures(protocol: string): string {
  const failing = cellsOf(protocol).filter(({ verdict }) => verdict !== "holds");
  return failing.map(({ race }) => raceId(race)).join(" ");
}

suite("the race lab", () => {
  test("the protocol of November 2012 fails where its authors feared, and nowhere else", () => {
    assert.equal(failures("naive"), "1 2 3 4 5 5b 7 8 10 11");
    assert.match(failureOf("naive", "5"), /registration 2 was told of somebody else's readiness/);
    assert.match(failureOf("naive", "5b"), /starvation/);
  });

  test("an entry check reads freed memory, and takes a reused object or number for the old one", () => {
    assert.equal(failures("entry check"), "1 2 3 4 7 10");
    assert.match(failureOf("entry check", "1"), /use after release: operation is read by the entry check/);
    assert.match(failureOf("entry check", "3"), /taken for registration 2/);
    assert.match(failureOf("entry check", "4"), /somebody else's readiness/);
  });

  test("a lock held over callbacks deadlocks with the context lock in every race", () => {
    assert.deepEqual([...new Set(cellsOf("lock held").map(({ verdict }) => verdict))], ["deadlocks"]);
  });

  test("references keep memory safe, let the late call in, and never let the context go", () => {
    assert.equal(failures("references"), "1 2 3 4 7 10");
    assert.doesNotMatch(failureOf("references", "1"), /use after release/);
    assert.match(failureOf("references", "10"), /never disposed of/);
  });

  test("two-phase deregistration is exact, and says nothing about a deadline that is modified", () => {
    assert.equal(failures("two-phase"), "7");
  });

  test("a look at the clock cannot tell an old timeout from a new one", () => {
    assert.equal(failures("time check"), "3");
  });

  test("what was merged for Xen 4.3 holds", () => {
    assert.equal(failures("merged"), "");
  });

  for (const name of ["ours, 2012 library", "ours, 4.17 library", "ours, across processes"]) {
    test(`${name}: holds against every race, exhaustively to the bound`, (context) => {
      const own = cellsOf(name);
      assert.equal(failures(name), "");
      assert.ok(own.every(({ exhausted }) => exhausted));
      context.diagnostic(`${own.reduce((sum, { executions }) => sum + executions, 0)} schedules`);
    });
  }

  test("without confinement ours fails: another thread comes between comparing and entering", () => {
    assert.equal(failures("ours, confinement off"), "1 2 3 4 5 5b 7 10");
  });

  test("without generations ours fails where a descriptor number is reused", () => {
    assert.equal(failures("ours, generation off"), "4 5");
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

function failureOf(protocol: string, id: string): string {
  const cell = cellsOf(protocol).find(({ race }) => raceId(race) === id);
  return `${cell?.failing?.failure?.kind}: ${cell?.failing?.failure?.message}`;
}
