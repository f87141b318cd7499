import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { explore, type Subject } from "../../../src/testkit/index.ts";
import { counting, lostUpdate } from "./subjects.ts";

suite("the depth-first scheduler", () => {
  for (const steps of [
    [1, 1],
    [3, 3],
    [2, 5],
    [2, 2, 2],
    [1, 2, 3],
  ]) {
    test(`tries every interleaving of ${steps.join(" and ")} steps exactly once`, () => {
      const orders: string[] = [];
      const report = explore(
        counting(steps, (order) => orders.push(order)),
        { preemptions: Infinity },
      );
      assert.equal(orders.length, multinomial(steps));
      assert.equal(new Set(orders).size, orders.length);
      assert.deepEqual([report.executions, report.exhausted], [orders.length, true]);
    });
  }

  for (const preemptions of [0, 1, 2, 3]) {
    test(`tries those with at most ${preemptions} preemptions, and no others`, () => {
      const orders: string[] = [];
      explore(
        counting([4, 4], (order) => orders.push(order)),
        { preemptions },
      );
      const wanted = interleavings("0000", "1111").filter((order) => preemptionsOf(order) <= preemptions);
      assert.deepEqual(orders.toSorted(), wanted.toSorted());
    });
  }

  test("tries every choice of the subject, wherever it is made", () => {
    const seen = new Set<string>();
    const subject: Subject = (sim) => {
      const first = sim.choose(3);
      sim.spawn("one", function* () {
        yield sim.step("step");
        seen.add(`${first} ${sim.choose(2)}`);
      });
    };
    const { executions } = explore(subject);
    assert.deepEqual([executions, seen.size], [6, 6]);
  });

  test("stops at its limit and says that it has not seen all", () => {
    const { executions, exhausted } = explore(
      counting([5, 5], () => undefined),
      { executions: 7 },
    );
    assert.deepEqual([executions, exhausted], [7, false]);
  });

  test("finds the bug that needs a preemption only when it may make one", () => {
    assert.equal(explore(lostUpdate, { preemptions: 0 }).failing, undefined);
    assert.equal(explore(lostUpdate, { preemptions: 1 }).failing?.failure?.message, "the total is 1");
  });

  test("lets a busy loop go round once for each step of the others, and so comes to an end", () => {
    let most = 0;
    const { failing, exhausted } = explore(
      (sim) => {
        let rounds = 0;
        let ready = false;
        sim.spawn("spinner", function* () {
          while (!ready) {
            yield sim.pause("look again");
            most = Math.max(most, ++rounds);
          }
        });
        sim.spawn("worker", function* () {
          for (let step = 0; step < 5; step++) {
            rounds = 0;
            yield sim.step("work");
          }
          rounds = 0;
          ready = true;
        });
      },
      { preemptions: Infinity },
    );
    assert.deepEqual([failing, exhausted, most], [undefined, true, 1]);
  });

  test("says so when the subject is not deterministic", () => {
    let round = 0;
    const forgetful: Subject = (sim) => counting(round++ % 2 === 0 ? [2, 2] : [1, 1], () => undefined)(sim);
    assert.throws(() => explore(forgetful), /build all of its state anew in each execution/);
    const moody: Subject = (sim) => {
      sim.choose(round++ === 0 ? 3 : 1);
      sim.choose(2);
    };
    round = 0;
    assert.match(explore(moody).failing?.failure?.message ?? "", /take time and chance from the simulation/);
  });
});

/** One access of one actor: to which of two objects, and whether it writes. */
interface Access {
  readonly object: number;
  readonly writes: boolean;
}

const access: fc.Arbitrary<Access> = fc.record({ object: fc.nat({ max: 1 }), writes: fc.boolean() });
const programs = fc.array(fc.array(access, { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 3 });

/** Actors that keep the promise: from one step to the next each touches the step's object alone. */
function accessing(program: readonly (readonly Access[])[], heard: (outcome: string) => void): Subject {
  return (sim) => {
    const first = { value: "" };
    const objects = [first, { value: "" }];
    const seen = program.map(() => "");
    for (const [actor, accesses] of program.entries()) {
      sim.spawn(String(actor), function* () {
        for (const { object, writes } of accesses) {
          const shared = objects[object] ?? first;
          yield sim.step("access", shared, !writes);
          if (writes) shared.value += actor;
          else seen[actor] += `(${shared.value})`;
        }
      });
    }
    sim.atEnd(() => heard(JSON.stringify([objects, seen])));
  };
}

suite("sleep sets", () => {
  test("leave out schedules but no outcome, when the subject keeps its promise", (t) => {
    let all = 0;
    let some = 0;
    fc.assert(
      fc.property(programs, (program) => {
        const outcomes = { all: new Set<string>(), some: new Set<string>() };
        const unbounded = { preemptions: Infinity, executions: Infinity };
        all += explore(
          accessing(program, (outcome) => outcomes.all.add(outcome)),
          unbounded,
        ).executions;
        const pruned = explore(
          accessing(program, (outcome) => outcomes.some.add(outcome)),
          { sleepSets: true },
        );
        some += pruned.executions;
        assert.ok(pruned.exhausted);
        assert.deepEqual([...outcomes.some].sort(), [...outcomes.all].sort());
      }),
      { numRuns: 25 },
    );
    assert.ok(some * 2 < all, `${some} of ${all}`);
    t.diagnostic(`${some} instead of ${all} schedules`);
  });

  test("still find the bug", () => {
    assert.equal(explore(lostUpdate, { sleepSets: true }).failing?.failure?.kind, "assertion");
  });

  test("are refused together with a bound, with which they would leave out too much", () => {
    assert.throws(() => explore(lostUpdate, { sleepSets: true, preemptions: 2 }), RangeError);
  });
});

function multinomial(parts: readonly number[]): number {
  let result = 1;
  let total = 0;
  for (const part of parts) for (let factor = 1; factor <= part; factor++) result = (result * ++total) / factor;
  return result;
}

function interleavings(a: string, b: string): string[] {
  if (a === "" || b === "") return [a + b];
  const first = interleavings(a.slice(1), b).map((rest) => a.charAt(0) + rest);
  return [...first, ...interleavings(a, b.slice(1)).map((rest) => b.charAt(0) + rest)];
}

/** Changes from an actor that has steps left. */
function preemptionsOf(order: string): number {
  return order.split("").filter((actor, at) => {
    const before = order[at - 1];
    return before !== undefined && before !== actor && order.includes(before, at);
  }).length;
}
