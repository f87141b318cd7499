import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunRecord } from "../../../src/driver/qemu/run-record.ts";
import { Definition } from "../../../src/model/index.ts";
import { Bench, uuid, xml } from "./bench.ts";
import { FakeGuest } from "./fake-host.ts";

const definition = Definition.parse(xml());
const running: RunRecord = {
  id: 7,
  process: { pid: 4711, startTime: 1 },
  status: { state: 1, reason: 1 },
  definition,
};

function survivor(bench: Bench, status = "running"): FakeGuest {
  const guest = new FakeGuest(bench.hand.loop, 4711, true);
  const { onCommand } = guest.transport;
  guest.transport.onCommand = (command) => {
    if (command.execute === "query-status") bench.hand.loop.post(() => guest.transport.reply({ status }, command.id));
    else onCommand(command);
  };
  bench.host.survivors.set(4711, guest);
  return guest;
}

test("closing the driver leaves running guests alone", async () => {
  const bench = new Bench();
  await bench.running();
  await bench.done(bench.operations.close());
  const { process, transport } = bench.host.last;
  assert.deepEqual([process.signals, process.isClosed, transport.closed], [[], true, true]);
  assert.deepEqual([bench.log, bench.records.size, bench.hand.loop.size], [[], 1, 0]);
  process.exit();
  await bench.hand.settle();
  assert.deepEqual(bench.log, [], "nothing is told after close");
  assert.throws(() => bench.operations.domains, /the driver is closed/);
  await assert.rejects(bench.operations.define(xml(), {}), /the driver is closed/);
});

test("closing the driver while a dead QEMU's last words are awaited tells nothing", async () => {
  const bench = new Bench();
  await bench.running();
  bench.host.last.process.exit();
  await bench.hand.settle();
  await bench.done(bench.operations.close());
  await bench.hand.pass(2000);
  assert.deepEqual([bench.log, bench.hand.loop.size], [[], 0]);
});

test("closing the driver gives up a start under way, and fails who waits", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  bench.host.obeys = false;
  const started = bench.watch(bench.operations.start(domain, false, {}));
  const waiting = bench.watch(bench.operations.suspend(domain, {}));
  await bench.hand.settle();
  bench.host.last.process.onSignal = (signal) => bench.host.last.end(signal);
  await bench.done(bench.operations.close());
  assert.deepEqual(bench.host.last.process.signals, ["SIGKILL"]);
  assert.match(started.result ?? "", /process exited/);
  assert.match(waiting.result ?? "", /the driver is closed/);
  bench.checkQuiet();
});

test("closing the driver while QEMU is being launched kills it", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  const gate = Promise.withResolvers<void>();
  bench.host.gate = gate.promise;
  const started = bench.watch(bench.operations.start(domain, false, {}));
  await bench.hand.settle();
  const closed = bench.operations.close();
  gate.resolve();
  await bench.done(closed);
  assert.match(started.result ?? "", /process exited/);
  assert.deepEqual(bench.host.last.process.signals, ["SIGKILL"]);
  bench.checkQuiet();
});

test("a running guest is taken up again with its id, state and reason", async () => {
  const bench = new Bench();
  bench.records.set(uuid, { ...running, status: { state: 1, reason: 5 } });
  const guest = survivor(bench);
  await bench.done(bench.operations.load());
  assert.deepEqual([bench.domain.id, bench.status, bench.log], [7, "running 5", []]);
  await bench.done(bench.operations.suspend(bench.domain, {}));
  guest.end("SIGKILL");
  await bench.hand.settle();
  assert.deepEqual(bench.log, ["suspended paused", "stopped failed"]);
  assert.deepEqual(bench.listed, [], "it was transient");
});

test("the next guest gets the next id", async () => {
  const bench = new Bench();
  bench.records.set(uuid, running);
  bench.stored.set(uuid, definition);
  survivor(bench);
  await bench.done(bench.operations.load());
  await bench.done(bench.operations.destroy(bench.domain, false, {}));
  assert.equal((await bench.done(bench.operations.start(bench.domain, false, {}))).id, 8);
});

test("a guest that was stopped meanwhile is paused, one that runs again is running", async () => {
  for (const [recorded, status, expected] of [
    [1, "paused", "paused 0"],
    [3, "running", "running 0"],
    [3, "prelaunch", "paused 1"],
  ] as const) {
    const bench = new Bench();
    bench.records.set(uuid, { ...running, status: { state: recorded, reason: 1 } });
    survivor(bench, status);
    await bench.done(bench.operations.load());
    assert.equal(bench.status, expected);
  }
});

test("a guest that has powered off meanwhile is ended", async () => {
  const bench = new Bench();
  bench.records.set(uuid, running);
  bench.stored.set(uuid, definition);
  const guest = survivor(bench, "shutdown");
  await bench.done(bench.operations.load());
  await bench.hand.settle();
  assert.deepEqual([guest.process.signals, bench.status], [["SIGTERM"], "shutoff 1"]);
  bench.checkQuiet();
});

test("a guest that died meanwhile has crashed, and its files are gone", async () => {
  const bench = new Bench();
  bench.records.set(uuid, running);
  bench.stored.set(uuid, definition);
  await bench.done(bench.operations.load());
  assert.deepEqual([bench.listed, bench.status], [["hello"], "shutoff 3"]);
  bench.checkQuiet();
});

test("a guest that does not answer is ended, so that it cannot run twice", async () => {
  const bench = new Bench();
  bench.records.set(uuid, running);
  bench.stored.set(uuid, definition);
  const guest = new FakeGuest(bench.hand.loop, 4711, false);
  guest.process.onSignal = (signal) => guest.end(signal);
  bench.host.survivors.set(4711, guest);
  const loaded = bench.watch(bench.operations.load());
  await bench.hand.pass(61_000, 1000);
  assert.equal(loaded.result, "ok");
  assert.deepEqual([bench.status, bench.reported.length], ["shutoff 8", 1]);
  bench.checkQuiet();
});

test("a guest whose start was under way is ended", async () => {
  const bench = new Bench();
  bench.records.set(uuid, { ...running, status: { state: 3, reason: 11 } });
  bench.stored.set(uuid, definition);
  const guest = survivor(bench, "prelaunch");
  await bench.done(bench.operations.load());
  assert.deepEqual([guest.process.signals, bench.status, bench.log], [["SIGKILL"], "shutoff 6", []]);
  bench.checkQuiet();
});

test("a QEMU whose process was never written down is told to quit", async () => {
  const bench = new Bench();
  bench.records.set(uuid, { ...running, process: undefined, status: { state: 3, reason: 11 } });
  bench.stored.set(uuid, definition);
  const orphan = new FakeGuest(bench.hand.loop, 1, true);
  bench.host.orphan = orphan;
  await bench.done(bench.operations.load());
  assert.equal(orphan.transport.commands.at(-1)?.execute, "quit");
  assert.deepEqual([bench.status, bench.log], ["shutoff 6", []]);
  bench.checkQuiet();
});

test("an orphan that does not quit is reported, and the domain is not running", async () => {
  const bench = new Bench();
  bench.records.set(uuid, { ...running, process: undefined, status: { state: 3, reason: 11 } });
  bench.stored.set(uuid, definition);
  bench.host.orphan = new FakeGuest(bench.hand.loop, 1, false);
  const loaded = bench.watch(bench.operations.load());
  await bench.hand.pass(6000, 500);
  assert.equal(loaded.result, "ok");
  assert.deepEqual([bench.status, bench.reported.length], ["shutoff 6", 1]);
  bench.checkQuiet();
});

test("one record that contradicts a definition does not keep the others out", async () => {
  const bench = new Bench();
  const other = Definition.parse(xml("hello", uuid.replace("0", "1")));
  bench.stored.set(other.uuid, other);
  bench.records.set(uuid, running);
  survivor(bench);
  await bench.done(bench.operations.load());
  assert.deepEqual(bench.listed, ["hello"]);
  assert.equal(bench.reported.length, 1);
});
