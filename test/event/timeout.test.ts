import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Deadline, Deferred, type Timeout } from "../../src/event/index.ts";
import { LoopFixture } from "./loop-fixture.ts";

suite("a timeout", () => {
  test("fires once at its deadline, never before, and is gone afterwards", async () => {
    const { loop, host } = new LoopFixture();
    const fired: number[] = [];
    const timeout = loop.timeout(10, () => fired.push(loop.now()));
    host.runUntil(9);
    assert.deepEqual(fired, []);
    host.runUntil(50);
    assert.deepEqual(fired, [10]);
    await timeout.closed;
    assert.deepEqual([timeout.state, loop.size, host.deadline], ["released", 0, undefined]);
  });

  test("fires in the next turn for now, for zero, and for every time that has passed", () => {
    const { loop, host, run } = fixture();
    host.advance(1_000);
    let fired = 0;
    const deadlines: readonly Deadline[] = ["now", 0, 999.9, -1, -1e300, -Infinity, Number.MIN_SAFE_INTEGER];
    for (const at of deadlines) loop.timeout(at, () => fired++);
    run();
    assert.equal(fired, deadlines.length);
  });

  test("is refused a deadline or period that would mean disabled by accident", () => {
    const { loop } = new LoopFixture();
    const callback = (): void => undefined;
    for (const at of [Infinity, Number.NaN]) assert.throws(() => loop.timeout(at, callback), /a deadline is a time/);
    for (const every of [-1, Infinity, Number.NaN]) {
      assert.throws(() => loop.timeout("now", callback, { every }), /a period is a finite number/);
    }
    const timeout = loop.timeout("never", callback);
    assert.throws(() => timeout.modify(Infinity), RangeError);
    assert.equal(loop.size, 1);
  });

  test("fires together with others in the order of deadlines, ties in the order of arming", () => {
    const { loop, host, run } = fixture();
    const fired: string[] = [];
    for (const [name, at] of [
      ["c", 3],
      ["a", 1],
      ["b1", 2],
      ["b2", 2],
    ] as const) {
      loop.timeout(at, () => fired.push(name));
    }
    host.advance(5);
    run();
    assert.deepEqual(fired, ["a", "b1", "b2", "c"]);
  });

  test("waits for modify when it was made for never", () => {
    const { loop, host, run } = fixture();
    const fired: number[] = [];
    const timeout = loop.timeout("never", () => fired.push(loop.now()));
    host.runUntil(100);
    assert.deepEqual(fired, []);
    timeout.modify(150);
    host.runUntil(200);
    assert.deepEqual(fired, [150]);
    timeout.modify("now");
    run();
    assert.deepEqual(fired, [150], "a timeout that has ended stays ended");
  });

  for (const [what, act, expected] of [
    ["removed", (other: Timeout) => other.remove(), []],
    ["moved to later", (other: Timeout) => other.modify(30), [30]],
    ["disarmed", (other: Timeout) => other.modify("never"), []],
    ["moved to now", (other: Timeout) => other.modify("now"), [10]],
  ] as const) {
    test(`does not fire in the pass in which an earlier callback has ${what} it`, () => {
      const { loop, host } = new LoopFixture();
      const fired: number[] = [];
      let other: Timeout | undefined;
      loop.timeout(10, () => act(other as Timeout));
      other = loop.timeout(10, () => fired.push(loop.now()));
      host.runUntil(50);
      assert.deepEqual(fired, expected);
    });
  }

  test("repeats from deadline to deadline, and does not make up for what it missed", () => {
    const { loop, host, run } = fixture();
    const fired: number[] = [];
    const timeout = loop.timeout(10, () => fired.push(loop.now()), { every: 10 });
    host.runUntil(30);
    host.advance(25);
    run();
    host.runUntil(70);
    timeout.remove();
    host.runUntil(100);
    assert.deepEqual(fired, [10, 20, 30, 55, 65]);
  });

  test("fires once in every turn with a period of 0", () => {
    const { loop, run } = fixture();
    let fired = 0;
    loop.timeout("now", (self) => (++fired === 5 ? self.remove() : undefined), { every: 0 });
    run();
    assert.equal(fired, 5);
  });

  test("is armed again only when its async callback has ended", async () => {
    const { loop, host, run } = fixture();
    const work = new Deferred();
    const fired: number[] = [];
    const callback = (self: Timeout): unknown => {
      fired.push(loop.now());
      return fired.length === 1 ? work.promise : self.remove();
    };
    loop.timeout(10, callback, { every: 10 });
    host.runUntil(35);
    assert.deepEqual(fired, [10]);
    work.resolve();
    await work.promise;
    run();
    assert.deepEqual(fired, [10]);
    host.runUntil(60);
    assert.deepEqual(fired, [10, 45]);
  });

  test("does what its own callback asks, from the end of that on", async () => {
    const { loop, host } = new LoopFixture();
    const work = new Deferred();
    const fired: number[] = [];
    const callback = (self: Timeout): unknown => {
      fired.push(loop.now());
      if (fired.length > 1) return undefined;
      self.modify("now");
      self.modify(20);
      return work.promise;
    };
    loop.timeout("now", callback);
    host.runUntil(10);
    assert.deepEqual(fired, [0]);
    work.resolve();
    await work.promise;
    host.runUntil(50);
    assert.deepEqual(fired, [0, 20]);
    assert.equal(loop.size, 0);
  });

  test("becomes a repeating one by modify", () => {
    const { loop, host } = new LoopFixture();
    const fired: number[] = [];
    const timeout = loop.timeout("never", () => fired.push(loop.now()));
    timeout.modify(10, 5);
    host.runUntil(21);
    assert.deepEqual(fired, [10, 15, 20]);
  });

  test("ends after a callback that threw, unless that had asked for more", () => {
    const { loop, host, errors } = new LoopFixture();
    let fired = 0;
    loop.timeout("now", () => {
      throw new Error("once");
    });
    loop.timeout("now", (self) => {
      if (++fired === 1) self.modify(5);
      throw new Error("again");
    });
    host.runUntil(10);
    assert.deepEqual([fired, loop.size], [2, 0]);
    assert.deepEqual(errors, ["timeout: Error: once", "timeout: Error: again", "timeout: Error: again"]);
  });
});

function fixture() {
  const all = new LoopFixture();
  return { loop: all.loop, host: all.host, run: () => all.run() };
}
