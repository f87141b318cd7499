import assert from "node:assert/strict";
import { openSync } from "node:fs";
import { afterEach, beforeEach, suite, test } from "node:test";
import { type Loop, Ready } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/event-loop.ts";
import * as libc from "../../src/os/libc.ts";
import { openDescriptors, openEvent, ring, silence } from "./descriptors.ts";

suite("a loop on the real host", () => {
  let loop: Loop;
  let before: string[];
  let errors: unknown[];

  beforeEach(() => {
    before = openDescriptors();
    errors = [];
    loop = openLoop({ onError: (error) => errors.push(error) });
  });

  afterEach(async () => {
    await loop.close();
    assert.deepEqual(openDescriptors(), before);
  });

  test("calls back when a descriptor is ready, again while it stays so, and not after removal", async () => {
    const fd = openEvent(1);
    let calls = 0;
    const watch = loop.watch(
      fd,
      Ready.readable,
      () => {
        if (++calls === 3) watch.remove();
      },
      { release: () => libc.close(fd) },
    );
    await watch.closed;
    assert.equal(calls, 3);
  });

  test("a timeout is never early, whatever its fraction of a millisecond", async () => {
    const lateness: number[] = [];
    const timeouts = Array.from({ length: 50 }, (_, index) => {
      const deadline = loop.now() + index * 0.137;
      return loop.timeout(deadline, () => lateness.push(loop.now() - deadline));
    });
    await Promise.all(timeouts.map(({ closed }) => closed));
    assert.equal(lateness.length, timeouts.length);
    assert.ok(Math.min(...lateness) >= 0);
  });

  test("what is past, negative or now fires at once, and the far future does not", async () => {
    const fired: string[] = [];
    const far = [Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, loop.now() + 2 ** 40];
    for (const deadline of far) loop.timeout(deadline, () => fired.push(`${deadline}`));
    const near = [-Number.MAX_VALUE, -1, 0, loop.now() - 5, "now"] as const;
    const timeouts = near.map((deadline) => loop.timeout(deadline, () => fired.push(`${deadline}`)));
    await Promise.all(timeouts.map(({ closed }) => closed));
    assert.equal(fired.length, near.length);
  });

  test("a deadline withdrawn and set again still comes", async () => {
    const timeout = loop.timeout("never", () => {});
    timeout.modify(loop.now() + 1);
    timeout.modify("never");
    timeout.modify(loop.now() + 1);
    await timeout.closed;
  });

  test("posts wake it, in order", async () => {
    const order: number[] = [];
    await new Promise<void>((resolve) => {
      for (const number of [1, 2, 3]) loop.post(() => order.push(number));
      loop.post(resolve);
    });
    assert.deepEqual(order, [1, 2, 3]);
  });

  test("promises made in a callback go on without anybody's help", async () => {
    const fd = openEvent(1);
    let isSettled = false;
    const watch = loop.watch(
      fd,
      Ready.readable,
      async () => {
        silence(fd);
        await Promise.resolve();
        isSettled = true;
        watch.remove();
      },
      { release: () => libc.close(fd) },
    );
    await watch.closed;
    assert.ok(isSettled);
  });

  test("a regular file is ready in every turn and starves nobody", async () => {
    const file = openSync(new URL(import.meta.url), "r");
    let calls = 0;
    loop.watch(file, Ready.readable, () => calls++, { alwaysReady: true, release: () => libc.close(file) });
    const fd = openEvent();
    const watch = loop.watch(fd, Ready.readable, () => watch.remove(), { release: () => libc.close(fd) });
    const rung = loop.timeout(loop.now() + 2, () => ring(fd));
    await Promise.all([rung.closed, watch.closed]);
    const before = calls;
    // However slow the machine is: not once, but again and again.
    while (calls < before + 3) await new Promise(setImmediate);
  });

  test("a busy descriptor keeps neither the others nor Node's own timers waiting", async () => {
    const busy = openEvent(1);
    loop.watch(busy, Ready.readable, () => {}, { release: () => libc.close(busy) });
    const fd = openEvent();
    const watch = loop.watch(fd, Ready.readable, () => watch.remove(), { release: () => libc.close(fd) });
    setTimeout(() => ring(fd), 1);
    await watch.closed;
  });

  test("a callback that throws is reported and hurts nobody", async () => {
    const fd = openEvent(1);
    const failure = new Error("from the callback");
    const thrower = loop.watch(fd, Ready.readable, () => {
      thrower.remove();
      throw failure;
    });
    const watch = loop.watch(fd, Ready.readable, () => watch.remove(), { release: () => libc.close(fd) });
    await Promise.all([thrower.closed, watch.closed]);
    assert.deepEqual(errors, [failure]);
  });

  test("closing from inside a callback ends it", async () => {
    const fd = openEvent(1);
    let closed: Promise<void> | undefined;
    const watch = loop.watch(
      fd,
      Ready.readable,
      () => {
        closed = loop.close();
      },
      { release: () => libc.close(fd) },
    );
    await watch.closed;
    await closed;
    assert.equal(loop.state, "closed");
  });
});
