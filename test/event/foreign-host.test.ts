import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  Deferred,
  type EventImpl,
  ForeignHost,
  type HandleCallback,
  Loop,
  type LoopOptions,
  Ready,
  type TimerCallback,
} from "../../src/event/index.ts";

/** A foreign loop of which the test itself decides what it calls and when. */
class Puppet implements EventImpl {
  readonly handles = new Map<number, { fd: number; events: number; callback: HandleCallback }>();
  readonly timers = new Map<number, { frequency: number; callback: TimerCallback }>();
  #lastId = 0;
  now = 0;
  /** It is full, say: answers as libvirt's does. */
  refuses = false;

  addHandle(fd: number, events: number, callback: HandleCallback): number {
    if (this.refuses) return -1;
    this.handles.set(++this.#lastId, { fd, events, callback });
    return this.#lastId;
  }

  updateHandle(id: number, events: number): void {
    const handle = this.handles.get(id);
    if (handle !== undefined) handle.events = events;
  }

  removeHandle(id: number): boolean {
    return this.handles.delete(id);
  }

  addTimeout(frequency: number, callback: TimerCallback): number {
    if (this.refuses) return -1;
    this.timers.set(++this.#lastId, { frequency, callback });
    return this.#lastId;
  }

  updateTimeout(id: number, frequency: number): void {
    const timer = this.timers.get(id);
    if (timer !== undefined) timer.frequency = frequency;
  }

  removeTimeout(id: number): boolean {
    return this.timers.delete(id);
  }

  /** The callbacks it holds now: kept, they make late calls. */
  get calls(): ((events: number) => void)[] {
    return [...this.handles].map(
      ([id, { fd, callback }]) =>
        (events) =>
          callback(id, fd, events),
    );
  }

  get frequency(): number | undefined {
    return [...this.timers.values()][0]?.frequency;
  }

  fireTimer(): void {
    for (const [id, { callback }] of this.timers) callback(id);
  }
}

suite("our loop on a foreign one", () => {
  test("takes a turn when a descriptor is reported, and sees what was reported", () => {
    const { puppet, loop } = fixture();
    const seen: number[] = [];
    loop.watch(5, Ready.readable, (ready) => seen.push(ready));
    puppet.calls[0]?.(Ready.readable | Ready.hangup);
    assert.deepEqual(seen, [Ready.readable | Ready.hangup]);
  });

  test("asks for the time to its next deadline, rounded up, in every turn for now, not at all for nothing", () => {
    const { puppet, loop } = fixture();
    assert.equal(puppet.frequency, -1);
    const timeout = loop.timeout(10.2, () => undefined);
    assert.equal(puppet.frequency, 11);
    puppet.now = 4;
    timeout.modify(12.5);
    assert.equal(puppet.frequency, 9);
    loop.post(() => undefined);
    assert.equal(puppet.frequency, 0);
    puppet.fireTimer();
    assert.equal(puppet.frequency, 9);
    timeout.modify(1e12);
    assert.equal(puppet.frequency, 0x7fffffff);
    timeout.remove();
    puppet.fireTimer();
    puppet.fireTimer();
    assert.equal(puppet.frequency, -1);
  });

  test("is not misled by a timer that comes early", () => {
    const { puppet, loop } = fixture();
    let fired = 0;
    loop.timeout(30, () => fired++);
    puppet.now = 15;
    puppet.fireTimer();
    assert.deepEqual([fired, puppet.frequency], [0, 15]);
    puppet.now = 30;
    puppet.fireTimer();
    assert.equal(fired, 1);
  });

  test("ignores a call that comes after removal, also for a number that is watched again", () => {
    const { puppet, loop } = fixture();
    let calls = 0;
    const old = loop.watch(5, Ready.readable, () => calls++);
    const [late] = puppet.calls;
    old.remove();
    loop.watch(5, Ready.readable, () => calls++);
    late?.(Ready.readable);
    assert.equal(calls, 0);
    assert.equal(puppet.handles.size, 1);
  });

  test("leaves the foreign loop altogether while it asks for nothing", () => {
    const { puppet, loop } = fixture();
    const watch = loop.watch(5, Ready.none, () => undefined);
    assert.equal(puppet.handles.size, 0);
    watch.modify(Ready.writable);
    assert.deepEqual([...puppet.handles.values()][0]?.events, Ready.writable);
    watch.modify(Ready.none);
    assert.equal(puppet.handles.size, 0);
  });

  test("hears in the next turn what is reported during one", () => {
    const { puppet, loop } = fixture();
    const order: string[] = [];
    loop.watch(5, Ready.readable, () => {
      order.push("first");
      puppet.calls[1]?.(Ready.readable);
      order.push("still first");
    });
    loop.watch(6, Ready.readable, () => order.push("second"));
    puppet.calls[0]?.(Ready.readable);
    assert.deepEqual([order, puppet.frequency], [["first", "still first"], 0]);
    puppet.fireTimer();
    assert.deepEqual(order, ["first", "still first", "second"]);
  });

  test("says so when the foreign loop refuses, and leaves nothing behind of what was refused", () => {
    const { puppet, loop } = fixture();
    puppet.refuses = true;
    assert.throws(() => loop.watch(5, Ready.readable, () => undefined), /does not take fd 5/);
    assert.equal(loop.size, 0);
    assert.throws(() => loopOn(puppet), /does not take a timer/);
  });

  test("reports it when the foreign loop refuses to watch again after an async callback", async () => {
    const puppet = new Puppet();
    const errors: string[] = [];
    const loop = loopOn(puppet, (error, source) => errors.push(`${source}: ${String(error)}`));
    const work = new Deferred();
    loop.watch(5, Ready.readable, () => work.promise);
    for (let call = 0; call < 2; call++) puppet.calls[0]?.(Ready.readable);
    puppet.refuses = true;
    work.resolve();
    await work.promise;
    assert.match(errors.join(), /^watch on fd 5: StateError: .*does not take fd 5/);
  });

  test("leaves nothing behind when it closes, and ignores what is still called", async () => {
    const { puppet, loop } = fixture();
    loop.watch(5, Ready.readable, () => undefined);
    const late = [...puppet.calls];
    const timers = [...puppet.timers.values()];
    const closed = loop.close();
    puppet.fireTimer();
    await closed;
    assert.deepEqual([puppet.handles.size, puppet.timers.size], [0, 0]);
    for (const call of late) call(Ready.readable);
    for (const { callback } of timers) callback(1);
  });
});

function loopOn(puppet: Puppet, onError: LoopOptions["onError"] = (error) => assert.fail(String(error))): Loop {
  return new Loop(new ForeignHost(puppet, { clock: () => puppet.now }), { onError });
}

function fixture() {
  const puppet = new Puppet();
  return { puppet, loop: loopOn(puppet) };
}
