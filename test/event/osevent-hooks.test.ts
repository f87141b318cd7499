import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  Deferred,
  OseventHooks,
  type OseventHooksOptions,
  type OseventLibrary,
  Poll,
  Ready,
  StateError,
} from "../../src/event/index.ts";
import { FakeCell } from "../../src/testkit/fake-libxl/fake-osevents.ts";
import { SimFile } from "../../src/testkit/index.ts";
import { LoopFixture } from "./loop-fixture.ts";

const asSoonAsPossible = { seconds: 0, microseconds: 0 };
const inSeconds = (seconds: number) => ({ seconds: 1_000 + seconds, microseconds: 500_000 });

suite("hooks for a native library", () => {
  test("call back with the library's own cookie, in poll's bits, and never from inside a hook", () => {
    const { fixture, hooks, calls } = library();
    const { file, fd } = fixture.open("a", Ready.readable | Ready.hangup);
    hooks.fdRegister(fd, new FakeCell(), Poll.in | Poll.pri, "operation");
    assert.deepEqual(calls, []);
    fixture.loop.runTurn();
    file.ready = Ready.none;
    assert.deepEqual(calls, [`fd operation ${fd} ${Poll.in | Poll.pri} ${Poll.in | Poll.hup}`]);
  });

  test("heed what is modified and deregistered, at once", () => {
    const { fixture, hooks, calls } = library();
    const { fd } = fixture.open("a", Ready.readable);
    const cell = new FakeCell();
    hooks.fdRegister(fd, cell, 0, "operation");
    fixture.run();
    hooks.fdModify(cell, Poll.in);
    hooks.fdDeregister(cell.load());
    fixture.run();
    assert.deepEqual([calls, hooks.size], [[], 0]);
  });

  test("take {0, 0}, the past and every overflow of it as now, never as disabled", () => {
    const { fixture, hooks, calls } = library();
    fixture.host.advance(5_000);
    const times = [
      asSoonAsPossible,
      { seconds: -1, microseconds: 0 },
      { seconds: -(2 ** 63), microseconds: 0 },
      inSeconds(4),
    ];
    for (const time of times) hooks.timeoutRegister(new FakeCell(), time, "operation");
    fixture.run();
    assert.deepEqual(
      calls,
      times.map(() => "timeout operation"),
    );
    assert.equal(hooks.size, 0);
  });

  test("complete a timeout at its time of day, once", () => {
    const { fixture, hooks, calls } = library();
    const cell = new FakeCell();
    hooks.timeoutRegister(cell, inSeconds(2), "operation");
    fixture.host.runUntil(2_499);
    assert.deepEqual(calls, []);
    fixture.host.runUntil(2_500);
    fixture.host.runUntil(10_000);
    assert.deepEqual(calls, ["timeout operation"]);
    assert.throws(() => hooks.timeoutModify(cell, asSoonAsPossible), StateError);
  });

  test("complete a timeout in the next turn when it is modified to now", () => {
    const { fixture, hooks, calls } = library();
    const cell = new FakeCell();
    hooks.timeoutRegister(cell, inSeconds(100), "operation");
    hooks.timeoutModify(cell, asSoonAsPossible);
    assert.deepEqual(calls, []);
    fixture.run();
    assert.deepEqual([calls, fixture.loop.size], [["timeout operation"], 0]);
  });

  test("let a library of before Xen 4.3 deregister a timeout, exactly", () => {
    const { fixture, hooks, calls } = library();
    const cell = new FakeCell();
    hooks.timeoutRegister(cell, asSoonAsPossible, "operation");
    hooks.timeoutDeregister(cell.load());
    assert.throws(() => hooks.timeoutDeregister(cell.load()), StateError);
    fixture.run();
    assert.deepEqual([calls, hooks.drained], [[], true]);
  });

  test("refuse a cookie that has had its day, although its slot is in use again", () => {
    const { fixture, hooks, calls } = library();
    const [old, fresh] = [new FakeCell(), new FakeCell()];
    const { fd } = fixture.open("a", Ready.readable);
    hooks.fdRegister(fd, old, Poll.in, "old");
    hooks.fdDeregister(old.load());
    hooks.fdRegister(fd, fresh, Poll.in, "fresh");
    assert.throws(() => hooks.fdDeregister(old.load()), StateError);
    assert.throws(() => hooks.fdModify(old, 0), StateError);
    fixture.loop.runTurn();
    assert.equal(calls.length, 1);
  });

  test("drain when the last timeout is complete and the last call has ended", async () => {
    const work = new Deferred();
    const { fixture, hooks } = library({ occurredTimeout: () => work.promise });
    hooks.timeoutRegister(new FakeCell(), asSoonAsPossible, "operation");
    let drained = false;
    const draining = hooks.drain().then(() => {
      drained = true;
    });
    await Promise.resolve();
    assert.equal(drained, false);
    fixture.run();
    assert.deepEqual([hooks.size, hooks.drained], [0, false]);
    work.resolve();
    await draining;
    assert.equal(hooks.drained, true);
  });

  test("do not count a call that threw as one under way", () => {
    const { fixture, hooks } = library({
      occurredTimeout: () => {
        throw new Error("inside the library");
      },
    });
    hooks.timeoutRegister(new FakeCell(), asSoonAsPossible, "operation");
    fixture.run();
    assert.deepEqual([fixture.errors.length, hooks.drained], [1, true]);
  });

  test("cannot be closed while something of the library's is left", () => {
    const { fixture, hooks } = library();
    const cell = new FakeCell();
    hooks.fdRegister(fixture.open("a").fd, cell, Poll.in, "operation");
    assert.throws(() => hooks.close(), /1 registrations/);
    hooks.fdDeregister(cell.load());
    hooks.close();
    assert.throws(() => hooks.fdRegister(3, cell, Poll.in, "operation"), /closed/);
    assert.throws(() => hooks.timeoutRegister(cell, asSoonAsPossible, "operation"), /closed/);
  });

  test("cannot be closed while a call into the library is under way", async () => {
    const work = new Deferred();
    const { fixture, hooks } = library({ occurredTimeout: () => work.promise });
    hooks.timeoutRegister(new FakeCell(), asSoonAsPossible, "operation");
    fixture.run();
    assert.throws(() => hooks.close(), /1 calls into the library are under way/);
    work.resolve();
    await hooks.drain();
    hooks.close();
  });

  test("tell of descriptors first when time is over too: the library may have been waiting for them", () => {
    const { fixture, hooks, calls } = library();
    const { file, fd } = fixture.open("a");
    hooks.fdRegister(fd, new FakeCell(), Poll.in, "answer");
    hooks.timeoutRegister(new FakeCell(), inSeconds(1), "patience");
    fixture.host.advance(5_000);
    file.ready = Ready.readable;
    fixture.loop.runTurn();
    file.ready = Ready.none;
    fixture.run();
    assert.deepEqual(calls, [`fd answer ${fd} ${Poll.in} ${Poll.in}`, "timeout patience"]);
  });

  test("do not complete a timeout that was moved while it was due", () => {
    const { fixture, hooks, calls } = library();
    const cell = new FakeCell();
    hooks.timeoutRegister(cell, asSoonAsPossible, "moved");
    fixture.loop.runTurn();
    hooks.timeoutModify(cell, inSeconds(9));
    fixture.run();
    assert.deepEqual([calls, hooks.size, hooks.drained], [[], 1, false]);
    fixture.host.runUntil(9_500);
    assert.deepEqual([calls, hooks.drained], [["timeout moved"], true]);
  });

  test("held back for a test, call so many turns later, and not at all what has ended by then", () => {
    const late: unknown[] = [];
    const onLate = (forLibrary: string, fd: number | undefined): void => void late.push([forLibrary, fd]);
    const { fixture, hooks, calls } = library({}, { holdBack: () => 2, onLate });
    const [file, timeout] = [new FakeCell(), new FakeCell()];
    const { fd } = fixture.open("a", Ready.readable);
    hooks.fdRegister(fd, file, Poll.in, "gone");
    hooks.timeoutRegister(timeout, asSoonAsPossible, "kept");
    fixture.loop.runTurn();
    hooks.fdDeregister(file.load());
    fixture.loop.runTurn();
    assert.deepEqual([calls, hooks.late, hooks.drained], [[], 0, false]);
    fixture.loop.runTurn();
    assert.deepEqual([calls, hooks.late, hooks.drained], [["timeout kept"], 1, true]);
    assert.deepEqual(late, [["gone", fd]]);
  });

  test("count what the kernel cannot watch as always ready", () => {
    const { fixture, hooks, calls } = library();
    const cell = new FakeCell();
    const fd = fixture.kernel.open(new SimFile("a regular file", { unwatchable: true }));
    hooks.fdRegister(fd, cell, Poll.in | Poll.out, "operation");
    fixture.loop.runTurn();
    hooks.fdDeregister(cell.load());
    assert.deepEqual(calls, [`fd operation ${fd} ${Poll.in | Poll.out} ${Poll.in | Poll.out}`]);
  });

  test("leave nothing behind of what cannot be registered", () => {
    const { fixture, hooks } = library();
    const noTime = { seconds: Number.NaN, microseconds: 0 };
    assert.throws(() => hooks.fdRegister(99, new FakeCell(), Poll.in, "operation"), /not open/);
    assert.throws(() => hooks.timeoutRegister(new FakeCell(), noTime, "operation"), RangeError);
    assert.deepEqual([hooks.size, fixture.loop.size], [0, 0]);
  });
});

function library(
  overrides: Partial<OseventLibrary<string>> = {},
  options: Pick<OseventHooksOptions<string>, "holdBack" | "onLate"> = {},
) {
  const fixture = new LoopFixture();
  const calls: string[] = [];
  const callbacks: OseventLibrary<string> = {
    occurredFd: (who, fd, events, revents) => calls.push(`fd ${who} ${fd} ${events} ${revents}`),
    occurredTimeout: (who) => calls.push(`timeout ${who}`),
    ...overrides,
  };
  const hooks = new OseventHooks(fixture.loop, callbacks, {
    wallClock: () => 1_000_000 + fixture.loop.now(),
    ...options,
  });
  return { fixture, hooks, calls };
}
