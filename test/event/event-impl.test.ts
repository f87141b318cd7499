import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { asEventImpl, Ready } from "../../src/event/index.ts";
import { LoopFixture } from "./loop-fixture.ts";

suite("our loop in libvirt's form", () => {
  test("calls a handle back with its id, its descriptor and what is ready", () => {
    const fixture = new LoopFixture();
    const impl = asEventImpl(fixture.loop);
    const { file, fd } = fixture.open("a", Ready.readable);
    const calls: number[][] = [];
    const id = impl.addHandle(fd, Ready.readable, (...call) => {
      calls.push(call);
      file.read();
    });
    fixture.run();
    assert.deepEqual(calls, [[id, fd, Ready.readable]]);
  });

  test("heeds an update of what a handle asks for; nothing is nothing, not even a hang-up", () => {
    const fixture = new LoopFixture();
    const impl = asEventImpl(fixture.loop);
    const { file, fd } = fixture.open("a", Ready.writable | Ready.hangup);
    const seen: number[] = [];
    const id = impl.addHandle(fd, Ready.none, (_id, _fd, events) => {
      seen.push(events);
      file.ready = Ready.none;
    });
    fixture.run();
    assert.deepEqual(seen, []);
    impl.updateHandle(id, Ready.writable);
    fixture.run();
    assert.deepEqual(seen, [Ready.writable | Ready.hangup]);
  });

  test("removes a handle once, and releases it afterwards on the loop", () => {
    const fixture = new LoopFixture();
    const impl = asEventImpl(fixture.loop);
    const { fd } = fixture.open("a", Ready.readable);
    const order: string[] = [];
    const id = impl.addHandle(
      fd,
      Ready.readable,
      () => {
        assert.equal(impl.removeHandle(id), true);
        assert.equal(impl.removeHandle(id), false);
        order.push("removed");
      },
      () => order.push("released"),
    );
    fixture.run();
    impl.updateHandle(id, Ready.readable);
    fixture.run();
    assert.deepEqual(order, ["removed", "released"]);
  });

  test("has timers that recur, that -1 stops, and that 0 fires in every turn", () => {
    const fixture = new LoopFixture();
    const impl = asEventImpl(fixture.loop);
    const fired: number[] = [];
    const id = impl.addTimeout(10, () => fired.push(fixture.loop.now()));
    fixture.host.runUntil(25);
    impl.updateTimeout(id, -1);
    fixture.host.runUntil(50);
    assert.deepEqual(fired, [10, 20]);
    let turns = 0;
    const every = impl.addTimeout(0, () => {
      if (++turns === 3) impl.updateTimeout(every, -1);
    });
    fixture.run();
    assert.equal(turns, 3);
    assert.deepEqual([impl.removeTimeout(id), impl.removeTimeout(id), impl.removeTimeout(every)], [true, false, true]);
  });

  test("knows nothing of ids that it did not give, and never gives one twice", () => {
    const fixture = new LoopFixture();
    const impl = asEventImpl(fixture.loop);
    const ids = new Set<number>();
    for (let round = 0; round < 10; round++) {
      const id = impl.addTimeout(-1, () => undefined);
      ids.add(id);
      impl.removeTimeout(id);
    }
    assert.equal(ids.size, 10);
    assert.deepEqual([impl.removeHandle(99), impl.removeTimeout(99)], [false, false]);
    impl.updateHandle(99, Ready.readable);
    impl.updateTimeout(99, 5);
  });
});
