import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { DeadlineError, Deferred, Loop, Ready, StateError } from "../../src/event/index.ts";
import { SimHost, SimKernel } from "../../src/testkit/index.ts";
import { LoopFixture } from "./loop-fixture.ts";

suite("a loop", () => {
  test("takes a turn in this order: posts, timeouts, watches, then release functions", () => {
    const fixture = new LoopFixture();
    const { loop } = fixture;
    const { file, fd } = fixture.open("a", Ready.readable);
    const order: string[] = [];
    loop.watch(fd, Ready.readable, () => {
      order.push("watch");
      file.read();
    });
    loop.timeout("now", () => order.push("timeout"), { release: () => order.push("release") });
    loop.post(() => order.push("post"));
    loop.runTurn();
    assert.deepEqual(order, ["post", "timeout", "watch", "release"]);
  });

  test("lets what a callback adds wait for the next turn", () => {
    const { loop } = new LoopFixture();
    const order: string[] = [];
    loop.post(() => {
      loop.post(() => order.push("post"));
      loop.timeout("now", () => order.push("timeout"));
    });
    loop.runTurn();
    assert.deepEqual(order, []);
    loop.runTurn();
    assert.deepEqual(order, ["post", "timeout"]);
  });

  test("takes a turn at once for what enters it from outside, behind what was posted; from inside that waits", () => {
    const { loop } = new LoopFixture();
    const order: string[] = [];
    loop.post(() => order.push("post"));
    loop.enter(() => {
      order.push("entered");
      loop.enter(() => order.push("later"));
    });
    assert.deepEqual(order, ["post", "entered"]);
    loop.runTurn();
    assert.deepEqual(order, ["post", "entered", "later"]);
  });

  test("reports what callbacks, jobs and release functions throw or reject with, and goes on", async () => {
    const fixture = new LoopFixture();
    const { loop, errors } = fixture;
    const fail = (what: string) => (): never => {
      throw new Error(what);
    };
    const reject = (what: string) => async (): Promise<void> => {
      throw new Error(what);
    };
    const { fd, file } = fixture.open("a", Ready.readable);
    loop.watch(fd, Ready.readable, () => {
      file.read();
      throw new Error("callback");
    });
    loop.timeout("now", reject("async callback"), { name: "T", release: fail("release") });
    // A release function is not meant to be async, and a type does not keep it from that.
    loop.timeout("now", () => undefined, { name: "U", release: reject("async release") as () => void });
    loop.post(fail("job"));
    loop.post(reject("async job"));
    fixture.run();
    await Promise.resolve();
    fixture.run();
    assert.deepEqual(errors.toSorted(), [
      "T: Error: async callback",
      "T: Error: release",
      "U: Error: async release",
      "post: Error: async job",
      "post: Error: job",
      `watch on fd ${fd}: Error: callback`,
    ]);
  });

  test("releases each registration once also when the error handler throws, which it must not", async () => {
    const kernel = new SimKernel();
    const host = new SimHost(kernel);
    const loop = new Loop(host, {
      onError: (error) => {
        throw error;
      },
    });
    const released: string[] = [];
    const fail = (): never => {
      throw new Error("broken");
    };
    const release = (name: string) => (): void => {
      released.push(name);
      if (name === "first") fail();
    };
    const [first, second] = ["first", "second"].map((name) => loop.timeout("never", fail, { release: release(name) }));
    const thrower = loop.timeout("now", fail, { release: () => released.push("thrower") });
    for (const each of [first, second]) each?.remove();
    for (let turn = 0; turn < 2; turn++) assert.throws(() => loop.runTurn(), /broken/);
    loop.runTurn();
    assert.deepEqual(released, ["first", "second", "thrower"]);
    for (const each of [first, second, thrower]) await each?.closed;
    const closed = loop.close();
    host.runUntilIdle();
    await closed;
  });

  test("refuses to be run from inside a callback", () => {
    const { loop, errors } = new LoopFixture();
    loop.post(() => loop.runTurn());
    loop.runTurn();
    assert.match(errors.join(), /a callback must not run another/);
  });

  test("asks for a turn at the nearest deadline, and for none when there is nothing to wait for", () => {
    const { loop, host } = new LoopFixture();
    const timeouts = [30, 10, 20].map((at) => loop.timeout(at, () => undefined));
    assert.equal(host.deadline, 10);
    timeouts[1]?.remove();
    assert.equal(host.deadline, 20);
    timeouts[2]?.modify(40);
    assert.equal(host.deadline, 30);
    for (const timeout of timeouts) timeout.remove();
    host.runUntilIdle();
    assert.equal(host.deadline, undefined);
  });

  test("counts what is registered and not released yet", () => {
    const { loop, host } = new LoopFixture();
    const timeout = loop.timeout("never", () => undefined);
    assert.equal(loop.size, 1);
    timeout.remove();
    assert.equal(loop.size, 1, "the release function has not run");
    host.runUntilIdle();
    assert.equal(loop.size, 0);
  });
});

suite("closing a loop", () => {
  test("removes everything, waits for the last callback, and gives the host back", async () => {
    const fixture = new LoopFixture();
    const { loop, host } = fixture;
    const work = new Deferred();
    const released: string[] = [];
    const { fd } = fixture.open("a", Ready.readable);
    loop.watch(fd, Ready.readable, () => work.promise, { release: () => released.push("watch") });
    loop.timeout("never", () => undefined, { release: () => released.push("timeout") });
    fixture.run();
    const closed = loop.close();
    assert.equal(loop.close(), closed);
    fixture.run();
    assert.deepEqual([loop.state, released], ["closing", ["timeout"]]);
    work.resolve();
    await work.promise;
    fixture.run();
    await closed;
    assert.deepEqual([loop.state, released, host.closed, host.size], ["closed", ["timeout", "watch"], true, 0]);
  });

  test("refuses new registrations at once, and jobs when it is over", async () => {
    const fixture = new LoopFixture();
    const { loop } = fixture;
    const { fd } = fixture.open("a");
    const closed = loop.close();
    assert.throws(() => loop.watch(fd, Ready.readable, () => undefined), StateError);
    assert.throws(() => loop.timeout("now", () => undefined), StateError);
    let ran = false;
    assert.equal(
      loop.post(() => {
        ran = true;
      }),
      true,
    );
    fixture.run();
    await closed;
    assert.equal(ran, true);
    assert.equal(
      loop.post(() => undefined),
      false,
    );
  });

  test("gives up at its deadline, names who is late, and releases that one when it ends after all", async () => {
    const fixture = new LoopFixture();
    const { loop, host } = fixture;
    const work = new Deferred();
    let released = 0;
    const timeout = loop.timeout("now", () => work.promise, { name: "the late one", release: () => released++ });
    fixture.run();
    const closed = loop.close(100);
    host.runUntil(99);
    assert.equal(loop.state, "closing");
    host.runUntil(100);
    await assert.rejects(closed, (error) => error instanceof DeadlineError && error.message.includes("the late one"));
    assert.equal(released, 0);
    work.resolve();
    await timeout.closed;
    assert.equal(released, 1);
  });

  test("is not kept from its end by a job that posts itself again and again", async () => {
    const fixture = new LoopFixture();
    const { loop, host } = fixture;
    const again = (): void => {
      host.advance(10);
      loop.post(again);
    };
    loop.post(again);
    const closed = loop.close(100);
    fixture.run();
    await closed;
    assert.equal(loop.state, "closed");
  });

  test("may be asked for inside a callback, and by `await using`", async () => {
    const fixture = new LoopFixture();
    let after = 0;
    fixture.loop.timeout("now", () => void fixture.loop.close());
    fixture.loop.timeout("now", () => after++);
    fixture.run();
    await fixture.loop[Symbol.asyncDispose]();
    assert.equal(after, 0);
  });
});
