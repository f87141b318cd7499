import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Deferred, Ready, type Watch } from "../../src/event/index.ts";
import { LoopFixture } from "./loop-fixture.ts";

suite("a watch", () => {
  test("is told what is ready of what it asks for, again and again until that has been dealt with", () => {
    const { loop, open, run } = fixture();
    const { file, fd } = open("a", Ready.readable | Ready.writable);
    const seen: number[] = [];
    loop.watch(fd, Ready.readable, (ready) => {
      seen.push(ready);
      if (seen.length === 3) file.read();
    });
    run();
    assert.deepEqual(seen, [Ready.readable, Ready.readable, Ready.readable]);
  });

  test("hears of errors and hang-up unasked, but only while it asks for something", () => {
    const { loop, open, run } = fixture();
    const { file, fd } = open("a", Ready.hangup | Ready.error);
    const seen: number[] = [];
    const watch = loop.watch(fd, Ready.none, (ready) => {
      seen.push(ready);
      file.ready = Ready.none;
    });
    run();
    assert.deepEqual(seen, []);
    watch.modify(Ready.writable);
    run();
    assert.deepEqual(seen, [Ready.hangup | Ready.error]);
  });

  test("is not called back for what it no longer asks for, although that was polled", () => {
    const { loop, open, run } = fixture();
    const [a, b] = [open("a", Ready.readable), open("b", Ready.readable)];
    let calls = 0;
    let second: Watch | undefined;
    loop.watch(a.fd, Ready.readable, () => {
      a.file.read();
      second?.modify(Ready.none);
    });
    second = loop.watch(b.fd, Ready.readable, () => calls++);
    run();
    assert.equal(calls, 0);
  });

  test("gets its own readiness, also when it shares its descriptor", () => {
    const { loop, open, run } = fixture();
    const { file, fd } = open("a", Ready.readable | Ready.writable);
    const seen: string[] = [];
    loop.watch(fd, Ready.readable, (ready, watch) => {
      seen.push(`first: ${ready}`);
      watch.remove();
    });
    loop.watch(fd, Ready.writable, (ready) => {
      seen.push(`second: ${ready}`);
      file.ready = Ready.none;
    });
    run();
    assert.deepEqual(seen, ["first: 1", "second: 2"]);
  });

  test("may remove itself in its callback, and hears nothing more", () => {
    const { loop, open, run } = fixture();
    const { fd } = open("a", Ready.readable);
    let calls = 0;
    const watch = loop.watch(fd, Ready.readable, (_ready, self) => {
      calls++;
      self.remove();
      self.remove();
      self.modify(Ready.readable);
      assert.equal(self.state, "removed");
    });
    run();
    assert.equal(calls, 1);
    assert.equal(watch.state, "released");
  });

  test("pauses while an async callback is under way, and goes on with what it asks for then", async () => {
    const { loop, host, open, run } = fixture();
    const { file, fd } = open("a", Ready.readable);
    const work = new Deferred();
    const seen: number[] = [];
    const watch = loop.watch(fd, Ready.readable, (ready) => {
      seen.push(ready);
      if (seen.length === 1) return work.promise;
      file.ready = Ready.none;
      return undefined;
    });
    run();
    assert.deepEqual([seen, watch.running, host.needsTurn], [[Ready.readable], true, false]);
    file.ready |= Ready.writable;
    watch.modify(Ready.writable);
    run();
    assert.equal(seen.length, 1, "calls do not overlap");
    work.resolve();
    await work.promise;
    run();
    assert.deepEqual(seen, [Ready.readable, Ready.writable]);
  });

  test("is released at the end of the turn, after its async callback has ended, and once", async () => {
    const { loop, open, run } = fixture();
    const { fd } = open("a", Ready.readable);
    const work = new Deferred();
    let released = 0;
    const watch = loop.watch(fd, Ready.readable, () => work.promise, { release: () => released++ });
    run();
    watch.remove();
    run();
    assert.deepEqual([released, watch.state], [0, "removed"]);
    work.resolve();
    await work.promise;
    assert.equal(released, 0, "not outside a turn");
    run();
    await watch.closed;
    assert.deepEqual([released, watch.state], [1, "released"]);
  });

  test("may ask for hang-up alone, and then hears of nothing else", () => {
    const { loop, host, open } = fixture();
    const { file, fd } = open("a", Ready.readable);
    const seen: number[] = [];
    const watch = loop.watch(fd, Ready.hangup, (ready) => {
      seen.push(ready);
      watch.remove();
    });
    host.runUntilIdle();
    assert.deepEqual(seen, []);
    file.ready |= Ready.hangup;
    host.runUntilIdle();
    assert.deepEqual(seen, [Ready.hangup]);
  });

  test("is refused for what is no descriptor, for a wish that is none, and when the host cannot watch", () => {
    const { loop, kernel, host, open } = fixture();
    const { fd } = open("a");
    const callback = (): void => undefined;
    for (const wrong of [-1, 1.5, Number.NaN])
      assert.throws(() => loop.watch(wrong, Ready.readable, callback), RangeError);
    assert.throws(() => loop.watch(fd, 16, callback), RangeError);
    kernel.close(fd);
    assert.throws(() => loop.watch(fd, Ready.readable, callback), /not open/);
    assert.deepEqual([loop.size, host.size], [0, 0]);
  });

  test("has an id that is never used again", () => {
    const { loop, open, run } = fixture();
    const { fd } = open("a");
    const ids = new Set<number>();
    for (let round = 0; round < 100; round++) {
      const watch = loop.watch(fd, Ready.readable, () => undefined);
      ids.add(watch.id);
      watch.remove();
      run();
    }
    assert.equal(ids.size, 100);
  });

  test("can be disposed of: that removes it and waits for its end", async () => {
    const { loop, open, host } = fixture();
    const { fd } = open("a");
    const watch = loop.watch(fd, Ready.readable, () => undefined);
    const disposed = watch[Symbol.asyncDispose]();
    host.runUntilIdle();
    await disposed;
    assert.equal(watch.state, "released");
  });
});

function fixture() {
  const all = new LoopFixture();
  return { loop: all.loop, host: all.host, kernel: all.kernel, open: all.open.bind(all), run: () => all.run() };
}
