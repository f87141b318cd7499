import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Loop, Ready } from "../../../src/event/index.ts";
import { SimFile, SimHost, SimKernel } from "../../../src/testkit/index.ts";

suite("the simulated kernel", () => {
  test("gives the lowest free number, so that a closed one comes back at once", () => {
    const kernel = new SimKernel();
    const fds = ["a", "b", "c"].map((name) => kernel.open(new SimFile(name)));
    assert.deepEqual(fds, [3, 4, 5]);
    kernel.close(4);
    assert.equal(kernel.file(4), undefined);
    assert.equal(kernel.open(new SimFile("d")), 4);
    assert.equal(kernel.size, 3);
    assert.throws(() => kernel.close(9), /not open/);
  });

  test("reads a file empty, and says whether there was anything", () => {
    const file = new SimFile("a");
    file.ready = Ready.readable | Ready.hangup;
    assert.deepEqual([file.read(), file.read(), file.ready], [true, false, Ready.hangup]);
  });
});

suite("the simulated host", () => {
  test("knows an open file from the one that had its number before, as epoll does", () => {
    const { kernel, host, polled } = fixture();
    const old = new SimFile("old");
    const fd = kernel.open(old);
    host.arm(1, fd, Ready.readable, false);
    kernel.close(fd);
    old.ready = Ready.readable;
    const fresh = new SimFile("fresh");
    fresh.ready = Ready.readable;
    assert.equal(kernel.open(fresh), fd);
    assert.deepEqual([polled(), host.needsTurn], [[], false]);
    host.arm(2, fd, Ready.readable, false);
    assert.deepEqual(polled(), [[2, Ready.readable]]);
  });

  test("reports errors and hang-up unasked, and nothing for an interest in nothing", () => {
    const { kernel, host, polled } = fixture();
    const file = new SimFile("a");
    const fd = kernel.open(file);
    file.ready = Ready.writable | Ready.error;
    host.arm(1, fd, Ready.readable, false);
    assert.deepEqual(polled(), [[1, Ready.error]]);
    host.rearm(1, Ready.none);
    assert.deepEqual(polled(), []);
    host.disarm(1);
    assert.equal(host.size, 0);
  });

  test("refuses what is not open, and what can never become ready unless that is accepted", () => {
    const { kernel, host, polled } = fixture();
    assert.throws(() => host.arm(1, 3, Ready.readable, false), /not open/);
    const fd = kernel.open(new SimFile("a regular file", { unwatchable: true }));
    assert.throws(() => host.arm(1, fd, Ready.readable, false), /alwaysReady/);
    host.arm(1, fd, Ready.readable, true);
    assert.deepEqual(polled(), [[1, Ready.readable]]);
  });

  test("lets somebody else choose the order of results", () => {
    const { kernel, host, polled } = fixture((bound) => bound - 1);
    for (const token of [1, 2, 3]) {
      const file = new SimFile(String(token));
      file.ready = Ready.readable;
      host.arm(token, kernel.open(file), Ready.readable, false);
    }
    assert.deepEqual(
      polled().map(([token]) => token),
      [3, 2, 1],
    );
  });

  test("takes turns until nothing is ready or due, and stops one that never ends", () => {
    const { host } = fixture();
    const loop = new Loop(host, { onError: (error) => assert.fail(String(error)) });
    const fired: number[] = [];
    loop.timeout(5, () => fired.push(loop.now()));
    loop.timeout(7, () => fired.push(loop.now()));
    host.runUntil(6);
    assert.deepEqual([fired, host.now()], [[5], 6]);
    const again = (): void => void loop.post(again);
    again();
    assert.throws(() => host.runUntilIdle(10), /not idle after 10 turns/);
  });
});

function fixture(choose?: (bound: number) => number) {
  const kernel = new SimKernel();
  const host = new SimHost(kernel, choose === undefined ? {} : { choose });
  const polled = (): number[][] => {
    const results: number[][] = [];
    host.poll((token, ready) => results.push([token, ready]));
    return results;
  };
  return { kernel, host, polled };
}
