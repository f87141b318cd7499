import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunRecord } from "../../../src/driver/qemu/run-record.ts";
import { Deferred } from "../../../src/event/index.ts";
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
  await bench.done(bench.guests.close());
  const { process, transport } = bench.host.last;
  assert.deepEqual([process.signals, process.isClosed, process.isWatched, transport.closed], [[], true, false, true]);
  assert.deepEqual([bench.log, bench.records.size, bench.hand.loop.size], [[], 1, 0]);
  process.exit();
  await bench.hand.settle();
  assert.deepEqual(bench.log, [], "nothing is told after close");
  assert.throws(() => bench.guests.domains, /the driver is closed/);
  await assert.rejects(bench.operations.define(xml(), {}), /the driver is closed/);
});

test("a guest starts again when it is safe on the disk that it has ended: until then its record is needed", async () => {
  const bench = new Bench();
  const domain = await bench.running();
  const before = bench.records.get(uuid);
  const gate = new Deferred();
  bench.toldGate = gate.promise;
  bench.host.last.process.exit();
  await bench.hand.pass(2000);
  assert.match(bench.log.join(), /^stopped/);
  bench.toldGate = undefined;
  const started = bench.watch(bench.operations.start(domain, {}, {}));
  await bench.hand.settle();
  assert.deepEqual([started.isSettled, bench.records.get(uuid)], [false, before]);
  gate.resolve();
  await bench.hand.settle();
  assert.equal(started.result, "ok");
  assert.notEqual(bench.records.get(uuid), before);
});

test("closing the driver while a dead QEMU's last words are awaited tells nothing", async () => {
  const bench = new Bench();
  await bench.running();
  bench.host.last.process.exit();
  await bench.hand.settle();
  await bench.done(bench.guests.close());
  await bench.hand.pass(2000);
  assert.deepEqual([bench.log, bench.hand.loop.size], [[], 0]);
  assert.equal(bench.records.size, 1, "the next driver finds out");
});

test("closing the driver gives up a start under way, and fails who waits", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  bench.host.obeys = false;
  const started = bench.watch(bench.operations.start(domain, {}, {}));
  const waiting = bench.watch(bench.operations.suspend(domain, {}));
  await bench.hand.settle();
  bench.host.last.process.onSignal = (signal) => bench.host.last.end(signal);
  await bench.done(bench.guests.close());
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
  const started = bench.watch(bench.operations.start(domain, {}, {}));
  await bench.hand.settle();
  const closed = bench.guests.close();
  const outcome = bench.watch(closed);
  await bench.hand.settle();
  assert.equal(outcome.isSettled, false, "nobody would be there to kill it");
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
  await bench.done(bench.guests.load());
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
  await bench.done(bench.guests.load());
  await bench.done(bench.operations.destroy(bench.domain, false, {}));
  assert.equal((await bench.done(bench.operations.start(bench.domain, {}, {}))).id, 8);
});

test("a guest that was stopped meanwhile is paused, one that runs again is running, and both are told", async () => {
  for (const [recorded, status, expected, told] of [
    [1, "paused", "paused 0", ["suspended paused"]],
    [3, "running", "running 0", ["resumed unpaused"]],
    [3, "prelaunch", "paused 1", []],
  ] as const) {
    const bench = new Bench();
    bench.records.set(uuid, { ...running, status: { state: recorded, reason: 1 } });
    survivor(bench, status);
    await bench.done(bench.guests.load());
    assert.deepEqual([bench.status, bench.log], [expected, told]);
  }
});

test("why a guest was stopped meanwhile is what QEMU says", async () => {
  for (const [status, expected] of [
    ["io-error", "paused 5"],
    ["watchdog", "paused 6"],
    ["paused", "paused 0"],
  ] as const) {
    const bench = new Bench();
    bench.records.set(uuid, running);
    survivor(bench, status);
    await bench.done(bench.guests.load());
    assert.equal(bench.status, expected);
  }
});

test("what happens between the question and its answer is not undone by the answer", async () => {
  const bench = new Bench();
  bench.records.set(uuid, running);
  const { transport } = survivor(bench);
  const { onCommand } = transport;
  transport.onCommand = (command) => {
    const answer = { return: { status: "running" }, id: command.id };
    if (command.execute === "query-status") bench.hand.loop.post(() => transport.json(answer, { event: "STOP" }));
    else onCommand(command);
  };
  await bench.done(bench.guests.load());
  assert.deepEqual([bench.status, bench.log], ["paused 0", ["suspended paused"]]);
});

test("a guest that has powered off meanwhile is ended", async () => {
  const bench = new Bench();
  bench.records.set(uuid, running);
  bench.stored.set(uuid, definition);
  const guest = survivor(bench, "shutdown");
  await bench.done(bench.guests.load());
  await bench.hand.settle();
  assert.deepEqual([guest.process.signals, bench.status], [["SIGTERM"], "shutoff 1"]);
  bench.checkQuiet();
});

test("a guest that died meanwhile has crashed, and its files are gone", async () => {
  const bench = new Bench();
  bench.records.set(uuid, running);
  bench.stored.set(uuid, definition);
  await bench.done(bench.guests.load());
  assert.deepEqual([bench.listed, bench.status], [["hello"], "shutoff 3"]);
  bench.checkQuiet();
});

/** A guest whose QEMU is there and says nothing, as one that was stopped by SIGSTOP. */
function silent(bench: Bench): FakeGuest {
  bench.records.set(uuid, running);
  bench.stored.set(uuid, definition);
  const guest = new FakeGuest(bench.hand.loop, 4711, false);
  guest.process.onSignal = (signal) => signal === "SIGKILL" && guest.end(signal);
  bench.host.survivors.set(4711, guest);
  return guest;
}

test("a guest that does not answer is left alone, and keeps nobody waiting but those who want it", async () => {
  const bench = new Bench();
  const guest = silent(bench);
  const other = Definition.parse(xml("other", uuid.replace("0", "1")));
  bench.records.set(other.uuid, { ...running, id: 8, process: { pid: 4712, startTime: 1 }, definition: other });
  bench.host.survivors.set(4712, new FakeGuest(bench.hand.loop, 4712, true));
  await bench.done(bench.guests.load());
  assert.equal(bench.status, "running 1", "as it was last known");
  await bench.done(bench.operations.suspend(bench.domains.byName("other"), {}));
  const stuck = bench.watch(bench.operations.suspend(bench.domain, { deadline: 1000 }));
  await bench.hand.pass(1500);
  assert.match(
    stuck.result ?? "",
    /cannot acquire state change lock within 1\.0 s \(held by reconnect \(modify\) for 1\.0 s\)/,
  );
  await bench.hand.pass(120_000, 5000);
  assert.match(
    String(bench.reported),
    /\(pid 4711\) of domain 'hello' has not answered for 60000 ms; it is left alone/,
  );
  assert.deepEqual([guest.process.signals, bench.reported.length, bench.status], [[], 1, "running 1"]);
  guest.transport.onCommand = ({ execute, id }) => bench.hand.loop.post(() => guest.answer(execute, id));
  guest.transport.greet();
  await bench.done(bench.operations.suspend(bench.domain, {}));
  assert.equal(bench.status, "paused 1", "it has come back");
});

test("a guest that does not answer can be destroyed", async () => {
  const bench = new Bench();
  const guest = silent(bench);
  await bench.done(bench.guests.load());
  const destroyed = bench.watch(bench.operations.destroy(bench.domain, false, {}));
  await bench.hand.pass(11_000, 1000);
  assert.deepEqual([guest.process.signals, destroyed.result], [["SIGTERM", "SIGKILL"], "ok"]);
  assert.deepEqual([bench.log, bench.status, bench.reported], [["stopped destroyed"], "shutoff 2", []]);
  bench.checkQuiet();
});

test("closing the driver does not wait for a guest that does not answer", async () => {
  const bench = new Bench();
  const guest = silent(bench);
  await bench.done(bench.guests.load());
  await bench.done(bench.guests.close());
  assert.deepEqual([guest.process.signals, guest.process.isClosed, bench.reported], [[], true, []]);
  assert.deepEqual([bench.records.size, bench.hand.loop.size, bench.isGivenBack], [1, 0, true]);
});

test("a guest whose monitor is closed is ended, so that it cannot run twice", async () => {
  const bench = new Bench();
  const guest = silent(bench);
  await bench.done(bench.guests.load());
  guest.transport.hangUp();
  await bench.hand.pass(11_000, 1000);
  assert.deepEqual([guest.process.signals, bench.status], [["SIGTERM", "SIGKILL"], "shutoff 3"]);
  assert.deepEqual([bench.log, bench.reported.length], [["stopped failed"], 1]);
  bench.checkQuiet();
});

test("a QEMU that has not gone yet, though its end has been told, goes, and nobody is told twice", async () => {
  for (const hasHungUp of [false, true]) {
    const bench = new Bench();
    const guest = silent(bench);
    bench.records.set(uuid, { ...running, since: 4 });
    bench.toldBefore = { isStarted: true, isEnded: true, isPaused: false };
    if (hasHungUp) guest.transport.hangUp();
    await bench.done(bench.guests.load());
    await bench.hand.pass(11_000, 1000);
    assert.deepEqual([bench.log, bench.status, bench.records.size], [[], "shutoff 3", 0]);
    bench.checkQuiet();
  }
});

test("a guest that cannot be taken hold of keeps its record, and cannot be started over it", async () => {
  const bench = new Bench();
  bench.records.set(uuid, running);
  bench.stored.set(uuid, definition);
  bench.host.find = () => {
    throw new Error("too many open files");
  };
  await bench.done(bench.guests.load());
  assert.match(String(bench.reported), /too many open files/);
  await assert.rejects(bench.done(bench.operations.start(bench.domain, {}, {})), /there is a record/);
  assert.deepEqual([bench.records.get(uuid), bench.host.launched.length], [running, 0]);
});

test("a guest whose start was under way is ended", async () => {
  const bench = new Bench();
  bench.records.set(uuid, { ...running, status: { state: 3, reason: 11 } });
  bench.stored.set(uuid, definition);
  const guest = survivor(bench, "prelaunch");
  await bench.done(bench.guests.load());
  assert.deepEqual([guest.process.signals, bench.status, bench.log], [["SIGKILL"], "shutoff 6", []]);
  bench.checkQuiet();
});

test("a QEMU whose process was never written down is found and ended", async () => {
  const bench = new Bench();
  bench.records.set(uuid, { ...running, process: undefined, status: { state: 3, reason: 11 } });
  bench.stored.set(uuid, definition);
  const guest = new FakeGuest(bench.hand.loop, 1, true);
  bench.host.unrecorded = guest;
  await bench.done(bench.guests.load());
  assert.deepEqual([guest.process.signals, bench.status, bench.log], [["SIGKILL"], "shutoff 6", []]);
  bench.checkQuiet();
});

test("one record that contradicts a definition does not keep the others out", async () => {
  const bench = new Bench();
  const other = Definition.parse(xml("hello", uuid.replace("0", "1")));
  bench.stored.set(other.uuid, other);
  bench.records.set(uuid, running);
  survivor(bench);
  await bench.done(bench.guests.load());
  assert.deepEqual(bench.listed, ["hello"]);
  assert.equal(bench.reported.length, 1);
  assert.equal(bench.records.get(uuid), running, "its guest may be running");
});

test("a long definition is given up when the driver is closed, or when nobody waits any more", async () => {
  const bench = new Bench();
  const long = xml().replace("<memory>", `<metadata>${"<x y='z'/>".repeat(5_000)}</metadata><memory>`);
  const abort = new AbortController();
  const aborted = bench.watch(bench.operations.define(long, { signal: abort.signal }));
  const closed = bench.watch(bench.operations.create(long, false, {}));
  abort.abort(new Error("gone"));
  const closing = bench.guests.close();
  await bench.done(closing);
  assert.equal(aborted.result, "gone");
  assert.match(closed.result ?? "", /the driver is closed/);
  assert.deepEqual([bench.stored.size, bench.records.size, bench.log], [0, 0, []]);
});

test("a long definition is kept as a short one is", async () => {
  const bench = new Bench();
  const long = xml().replace("<memory>", `<metadata>${"<x y='z'/>".repeat(5_000)}</metadata><memory>`);
  await bench.done(bench.operations.define(long, {}));
  assert.deepEqual([bench.listed, bench.log], [["hello"], ["defined added"]]);
  assert.match(bench.stored.get(uuid)?.toXml() ?? "", /<type arch='.*' machine='.*'>hvm<\/type>/);
});
