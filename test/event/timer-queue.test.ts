import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { type TimerEntry, TimerQueue } from "../../src/event/timer-queue.ts";

interface Entry extends TimerEntry {
  readonly name: number;
}

const entry = (name: number): Entry => ({ name, deadline: 0, order: 0, place: -1 });

suite("a timer queue", () => {
  test("takes out what is due, the nearest first and ties in the order of arming", () => {
    const queue = new TimerQueue<Entry>();
    for (const [name, deadline] of [30, 10, 20, 10, 40].entries()) queue.set(entry(name), deadline);
    assert.deepEqual(
      queue.takeDue(30).map(({ name }) => name),
      [1, 3, 2, 0],
    );
    assert.equal(queue.nearest?.name, 4);
    assert.equal(queue.size, 1);
  });

  test("moves an entry behind those of the same deadline when it is set again", () => {
    const queue = new TimerQueue<Entry>();
    const first = entry(1);
    queue.set(first, 10);
    queue.set(entry(2), 10);
    queue.set(first, 10);
    assert.deepEqual(
      queue.takeDue(10).map(({ name }) => name),
      [2, 1],
    );
  });

  test("does nothing when an entry is deleted that is not queued", () => {
    const queue = new TimerQueue<Entry>();
    queue.delete(entry(1));
    assert.equal(queue.size, 0);
  });

  test("behaves like a sorted list, whatever is set, moved and deleted", () => {
    const action = fc.record({
      name: fc.nat({ max: 15 }),
      deadline: fc.option(fc.nat({ max: 9 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 100 }), fc.nat({ max: 9 }), (actions, now) => {
        const queue = new TimerQueue<Entry>();
        const entries = Array.from({ length: 16 }, (_, name) => entry(name));
        let list: { name: number; deadline: number }[] = [];
        for (const { name, deadline } of actions) {
          list = list.filter((each) => each.name !== name);
          if (deadline === undefined) queue.delete(entries[name] as Entry);
          else {
            queue.set(entries[name] as Entry, deadline);
            list.push({ name, deadline });
          }
        }
        const sorted = list.toSorted((a, b) => a.deadline - b.deadline);
        assert.equal(queue.nearest?.name, sorted[0]?.name);
        const due = sorted.filter(({ deadline }) => deadline <= now).map(({ name }) => name);
        assert.deepEqual(
          queue.takeDue(now).map(({ name }) => name),
          due,
        );
        assert.equal(queue.size, list.length - due.length);
      }),
    );
  });
});
