import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Loop, TimerHost } from "../../src/event/index.ts";
import { HandTimers } from "./hand-timers.ts";

suite("the host of a loop without descriptors", () => {
  const begin = (): { timers: HandTimers; loop: Loop } => {
    const timers = new HandTimers();
    const onError = (error: unknown): never => assert.fail(String(error));
    return { timers, loop: new Loop(new TimerHost(timers), { onError }) };
  };

  test("asks once for a turn, however much is posted, and again for what comes after it", () => {
    const { timers, loop } = begin();
    const done: number[] = [];
    loop.post(() => done.push(1));
    loop.post(() => done.push(2));
    assert.equal(timers.soonest.length, 1);
    timers.turn();
    loop.post(() => done.push(3));
    timers.turn();
    assert.deepEqual(done, [1, 2, 3]);
  });

  test("has one timer, set anew when something is due earlier, and none when nothing is", () => {
    const { timers, loop } = begin();
    const fired: string[] = [];
    loop.timeout(1_000, () => fired.push("later"));
    loop.timeout(99.5, () => fired.push("sooner"));
    assert.deepEqual(timers.waits, [1_000, 100]);
    timers.pass(100);
    assert.deepEqual([fired, timers.waits], [["sooner"], [1_000, 100, 900]]);
    timers.pass(900);
    assert.deepEqual([fired, timers.ring], [["sooner", "later"], undefined]);
  });

  test("keeps a timer that fires too early, and waits on then", () => {
    const { timers, loop } = begin();
    const timeout = loop.timeout(100, () => assert.fail("it is not due"));
    timeout.modify(500);
    assert.deepEqual(timers.waits, [100]);
    timers.pass(100);
    assert.deepEqual(timers.waits, [100, 400]);
  });

  test("waits for what is further away than a timer goes", () => {
    const { timers, loop } = begin();
    loop.timeout(2 ** 40, () => assert.fail("it is not due"));
    timers.pass(timers.waits[0] ?? 0);
    assert.deepEqual(timers.waits, [2 ** 31 - 1, 2 ** 31 - 1]);
  });

  test("gives its timers back at the end", async () => {
    const { timers, loop } = begin();
    loop.timeout(1_000, () => {});
    const closed = loop.close();
    for (let round = 0; round < 3; round++) timers.turn();
    await closed;
    assert.deepEqual([timers.ring, timers.isClosed], [undefined, true]);
  });

  test("watches no descriptors", () => {
    const { loop } = begin();
    assert.throws(() => loop.watch(0, 1, () => {}), /watches no descriptors/);
  });
});
