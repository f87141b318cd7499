import assert from "node:assert/strict";
import { test } from "node:test";
import { ErrorCode, VirError } from "../../../src/protocol/index.ts";
import { Bench, uuid, xml } from "./bench.ts";

test("a start tells resumed and started, in libvirt's order, when the guest runs", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  const { id } = await bench.done(bench.operations.start(domain, {}, {}));
  assert.deepEqual(bench.log, ["resumed unpaused", "started booted"]);
  assert.deepEqual([id, bench.status], [1, "running 1"]);
  assert.deepEqual(
    bench.host.last.transport.commands.map(({ execute }) => execute),
    ["qmp_capabilities", "migrate-set-capabilities", "cont"],
  );
});

test("a start that stays paused tells started and suspended", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  await bench.done(bench.operations.start(domain, { paused: true }, {}));
  assert.deepEqual(bench.log, ["started booted", "suspended paused"]);
  assert.equal(bench.status, "paused 1");
  await bench.done(bench.operations.resume(domain, {}));
  assert.equal(bench.status, "running 5");
});

test("the record of a run is there before its process, and goes with it", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  const gate = Promise.withResolvers<void>();
  bench.host.gate = gate.promise;
  const started = bench.operations.start(domain, {}, {});
  await bench.hand.settle();
  assert.equal(bench.records.get(uuid)?.process, undefined);
  assert.deepEqual(bench.records.get(uuid)?.status, { state: 3, reason: 11 });
  bench.host.obeys = false;
  gate.resolve();
  await bench.hand.settle();
  assert.equal(bench.records.get(uuid)?.process?.pid, 1000, "before it has said a word");
  const { transport, process } = bench.host.last;
  transport.onCommand = ({ execute, id }) => bench.hand.loop.post(() => bench.host.last.answer(execute, id));
  process.onSignal = (signal) => bench.host.last.end(signal);
  transport.greet();
  await bench.done(started);
  assert.deepEqual(bench.records.get(uuid)?.status, { state: 1, reason: 1 });
  await bench.done(bench.operations.destroy(domain, false, {}));
  bench.checkQuiet();
});

test("suspend and resume tell one event each, and again nothing", async () => {
  const bench = new Bench();
  const domain = await bench.running();
  await bench.done(bench.operations.suspend(domain, {}));
  assert.equal(bench.status, "paused 1");
  const { commands } = bench.host.last.transport;
  const before = commands.length;
  await bench.done(bench.operations.suspend(domain, {}));
  assert.equal(commands.length, before, "QEMU is not asked again");
  await bench.done(bench.operations.resume(domain, {}));
  assert.deepEqual(bench.log, ["suspended paused", "resumed unpaused"]);
  await assert.rejects(bench.done(bench.operations.resume(domain, {})), {
    message: "Requested operation is not valid: domain is already running",
    code: ErrorCode.operationInvalid,
    domain: 10,
  });
});

test("a guest that somebody else stops and continues is seen to do so", async () => {
  const bench = new Bench();
  await bench.running();
  bench.host.last.transport.event("STOP");
  assert.equal(bench.status, "paused 0");
  bench.host.last.transport.event("RESUME");
  assert.equal(bench.status, "running 5");
  assert.deepEqual(bench.log, ["suspended paused", "resumed unpaused"]);
});

test("destroy tells shutdown and stopped, and is done when the process is gone", async () => {
  const bench = new Bench();
  const domain = await bench.running();
  const ids: number[] = [];
  bench.publisher.subscribe((event) => ids.push(event.domain.id));
  await bench.done(bench.operations.destroy(domain, false, {}));
  assert.ok(bench.host.last.process.hasEnded);
  assert.deepEqual(bench.log, ["shutdown host", "stopped destroyed"]);
  assert.deepEqual(ids, [1, -1]);
  assert.equal(bench.status, "shutoff 2");
  bench.checkQuiet();
});

test("a guest that powers off is shut down, and its process ended", async () => {
  const bench = new Bench();
  await bench.running();
  bench.host.last.transport.event("SHUTDOWN", { guest: true, reason: "guest-shutdown" });
  assert.equal(bench.status, "shutdown 0");
  await bench.hand.settle();
  assert.deepEqual(bench.host.last.process.signals, ["SIGTERM"]);
  assert.deepEqual(bench.log, ["shutdown guest", "stopped shutdown"]);
  assert.equal(bench.status, "shutoff 1");
  bench.checkQuiet();
});

test("a QEMU that is killed has crashed, and the event still has its id", async () => {
  const bench = new Bench();
  await bench.running();
  const ids: number[] = [];
  bench.publisher.subscribe((event) => ids.push(event.domain.id));
  bench.host.last.end("SIGKILL");
  await bench.hand.settle();
  assert.deepEqual([bench.log, ids, bench.status], [["stopped failed"], [1], "shutoff 3"]);
  bench.checkQuiet();
});

test("ids grow by one, and failed starts have one too", async () => {
  const bench = new Bench();
  const domain = await bench.running();
  await bench.done(bench.operations.destroy(domain, false, {}));
  bench.host.failure = new VirError("no", { code: 1, domain: 10 });
  await assert.rejects(bench.done(bench.operations.start(domain, {}, {})));
  bench.host.failure = undefined;
  const { id } = await bench.done(bench.operations.start(domain, {}, {}));
  assert.equal(id, 3);
});

test("a transient domain runs, and vanishes before its end is told", async () => {
  const bench = new Bench();
  const { id } = await bench.done(bench.operations.create(xml(), false, {}));
  assert.deepEqual([id, bench.listed], [1, ["hello"]]);
  let listed: string[] | undefined;
  bench.publisher.subscribe(({ what }) => {
    if (what === "stopped destroyed") listed = bench.listed;
  });
  await bench.done(bench.operations.destroy(bench.domain, false, {}));
  assert.deepEqual([listed, bench.listed], [[], []]);
  assert.deepEqual(bench.log, ["resumed unpaused", "started booted", "shutdown host", "stopped destroyed"]);
  bench.checkQuiet();
});

test("a domain that has stopped is not running, however it stopped", async () => {
  const bench = new Bench();
  const domain = await bench.running();
  bench.host.last.end("SIGKILL");
  await bench.hand.settle();
  const notRunning = { message: "Requested operation is not valid: domain is not running" };
  await assert.rejects(bench.done(bench.operations.destroy(domain, false, {})), notRunning);
  await assert.rejects(bench.done(bench.operations.suspend(domain, {})), notRunning);
});

test("a transient domain that has ended leaves its uuid and its name to others", async () => {
  const bench = new Bench();
  await bench.done(bench.operations.create(xml(), false, {}));
  bench.host.last.end("SIGKILL");
  await bench.hand.settle();
  await bench.done(bench.operations.define(xml("other"), {}));
  await bench.done(bench.operations.define(xml("hello", uuid.replace("0", "1")), {}));
  assert.deepEqual(bench.listed, ["other", "hello"]);
});

test("a running domain that is undefined becomes transient; one that is defined stays", async () => {
  const bench = new Bench();
  const domain = await bench.running();
  await bench.done(bench.operations.undefine(domain, {}));
  assert.deepEqual([bench.listed, bench.stored.size], [["hello"], 0]);
  await assert.rejects(bench.done(bench.operations.undefine(domain, {})), /cannot undefine transient domain/);
  await bench.done(bench.operations.define(xml(), {}));
  await bench.done(bench.operations.destroy(domain, false, {}));
  assert.deepEqual(bench.listed, ["hello"]);
  assert.deepEqual(bench.log, ["undefined removed", "defined added", "shutdown host", "stopped destroyed"]);
  await bench.done(bench.operations.undefine(domain, {}));
  assert.deepEqual(bench.listed, []);
});

test("defining again is an update", async () => {
  const bench = new Bench();
  await bench.done(bench.operations.define(xml(), {}));
  await bench.done(bench.operations.define(xml(), {}));
  assert.deepEqual(bench.log, ["defined added", "defined updated"]);
});

test("what makes no sense is refused in libvirt's words", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  const { operations } = bench;
  const refused = async (promise: Promise<unknown>): Promise<unknown[]> => {
    const outcome = bench.watch(promise);
    await bench.hand.settle();
    return [outcome.error?.code, outcome.error?.domain, outcome.error?.message];
  };
  const notRunning = [55, 20, "Requested operation is not valid: domain is not running"];
  assert.deepEqual(await refused(operations.suspend(domain, {})), notRunning);
  assert.deepEqual(await refused(operations.resume(domain, {})), notRunning);
  assert.deepEqual(await refused(operations.destroy(domain, false, {})), notRunning);
  await bench.done(operations.start(domain, {}, {}));
  const running = [55, 10, "Requested operation is not valid: domain is already running"];
  assert.deepEqual(await refused(operations.start(domain, {}, {})), running);
  const active = [55, 20, "Requested operation is not valid: domain 'hello' is already active"];
  assert.deepEqual(await refused(operations.create(xml(), false, {})), active);
  assert.deepEqual(await refused(operations.define(xml("bye"), {})), [
    9,
    20,
    `operation failed: domain 'hello' is already defined with uuid ${uuid}`,
  ]);
  assert.deepEqual(await refused(operations.define(xml("hello", uuid.replace("0", "1")), {})), [
    9,
    20,
    `operation failed: domain 'hello' already exists with uuid ${uuid}`,
  ]);
  assert.deepEqual(await refused(operations.define("<domain type='xen'/>", {})), [21, 20, "missing name information"]);
});

test("a domain that was undefined is not found by those who still hold it", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  await bench.done(bench.operations.undefine(domain, {}));
  await assert.rejects(bench.done(bench.operations.start(domain, {}, {})), {
    code: ErrorCode.noDomain,
    message: `Domain not found: no domain with matching uuid '${uuid}' (hello)`,
  });
});

test("of two who undefine the second finds nothing", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  const both = [1, 2].map(() => bench.watch(bench.operations.undefine(domain, {})));
  await bench.hand.settle();
  assert.deepEqual(
    both.map(({ error }) => error?.code),
    [undefined, ErrorCode.noDomain],
  );
  assert.deepEqual(bench.log, ["undefined removed"]);
});

test("a definition that cannot be written is not there", async () => {
  const bench = new Bench();
  bench.storeGate = Promise.reject(Object.assign(new Error("ENOSPC: no space left on device"), { errno: -28 }));
  await assert.rejects(bench.done(bench.operations.define(xml(), {})), { code: ErrorCode.systemError, int1: 28 });
  assert.deepEqual([bench.listed, bench.log], [[], []]);
  bench.storeGate = undefined;
  await bench.done(bench.operations.define(xml("other"), {}));
  assert.deepEqual(bench.listed, ["other"], "the uuid is free again");
});
