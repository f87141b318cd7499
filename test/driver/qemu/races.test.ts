import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Run } from "../../../src/driver/qemu/run.ts";
import type { Domain } from "../../../src/model/index.ts";
import { ErrorCode } from "../../../src/protocol/index.ts";
import { Bench, byButton, uuid, xml } from "./bench.ts";

/** A bench whose QEMUs do nothing by themselves. */
async function stubborn(): Promise<{ bench: Bench; domain: Domain }> {
  const bench = new Bench();
  const domain = await bench.running();
  const { transport, process } = bench.host.last;
  transport.onCommand = () => {};
  process.onSignal = () => {};
  return { bench, domain };
}

test("the signs of an end in every order: one cleanup, one terminal event, one reason", async () => {
  const signs = ["shutdown", "eof", "exit", "destroy"] as const;
  const order = fc.shuffledSubarray([...signs], { minLength: 1 });
  const schedule = fc.record({ order, turns: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }) });
  await fc.assert(
    fc.asyncProperty(schedule, async ({ order, turns }) => {
      const { bench, domain } = await stubborn();
      const { transport, process } = bench.host.last;
      const said: string[] = [];
      for (const [index, sign] of order.entries()) {
        const alive = domain.incarnation !== undefined;
        if (alive) said.push(sign === "shutdown" && transport.closed ? "unheard" : sign);
        if (sign === "shutdown") transport.event("SHUTDOWN", { guest: true });
        if (sign === "eof") transport.hangUp();
        if (sign === "exit") process.exit({ code: 0 });
        if (sign === "destroy") bench.watch(bench.operations.destroy(domain, false, {}));
        if (turns[index] === true) await bench.hand.settle();
      }
      process.onSignal = () => process.exit({ signal: "SIGKILL" });
      // Nobody kills it for that.
      if (said.every((sign) => sign === "unheard" || sign === "shutdown")) process.exit();
      await bench.hand.pass(12_000, 500);
      const reason = said.includes("destroy") ? "destroyed" : said.includes("shutdown") ? "shutdown" : "failed";
      const stops = bench.log.filter((what) => what.startsWith("stopped"));
      assert.deepEqual(stops, [`stopped ${reason}`], `after ${said.join(", ")}`);
      assert.equal(bench.log.at(-1), stops[0], "nothing comes after the end");
      bench.checkQuiet();
    }),
    { numRuns: 300 },
  );
});

test("a run that is told twice of its end ends once", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  let gone = 0;
  const around = {
    ...bench.options,
    onGone: () => gone++,
    forget: () => {},
    react: () => {},
    keepCrash: async () => {},
    note: () => {},
  };
  const run = new Run(around, domain, { id: 1, sequence: 1 }, domain.persistent ?? assert.fail());
  run.onEnd();
  domain.begin({ id: 1, sequence: 2 }, domain.persistent ?? assert.fail());
  run.onEnd();
  assert.deepEqual([gone, domain.id], [1, 1]);
});

test("what a dead QEMU still had to say is heard before its end is told", async () => {
  const { bench } = await stubborn();
  const { transport, process } = bench.host.last;
  process.exit();
  await bench.hand.settle();
  assert.deepEqual(bench.log, [], "its last words may still be in the socket");
  transport.event("SHUTDOWN", { guest: true });
  transport.hangUp();
  await bench.hand.settle();
  assert.deepEqual(bench.log, ["shutdown guest", "stopped shutdown"]);
});

test("a monitor that outlives its QEMU is closed after a while", async () => {
  const { bench } = await stubborn();
  bench.host.last.process.exit({ signal: "SIGKILL" });
  await bench.hand.pass(900);
  assert.deepEqual(bench.log, []);
  await bench.hand.pass(200);
  assert.deepEqual(bench.log, ["stopped failed"]);
  bench.checkQuiet();
});

test("a QEMU that ignores SIGTERM is killed after its deadline", async () => {
  const { bench, domain } = await stubborn();
  const { process } = bench.host.last;
  const destroyed = bench.watch(bench.operations.destroy(domain, false, {}));
  await bench.hand.pass(9900, 500);
  assert.deepEqual([process.signals, destroyed.isSettled], [["SIGTERM"], false]);
  process.onSignal = () => bench.host.last.end("SIGKILL");
  await bench.hand.pass(500, 500);
  assert.deepEqual([process.signals, destroyed.result], [["SIGTERM", "SIGKILL"], "ok"]);
  assert.deepEqual(bench.log, ["stopped destroyed"]);
});

test("asked to end gracefully it is never killed, and the domain stays as it was", async () => {
  const { bench, domain } = await stubborn();
  const { process } = bench.host.last;
  const destroyed = bench.watch(bench.operations.destroy(domain, true, {}));
  await bench.hand.pass(60_000, 1000);
  assert.equal(destroyed.error?.code, ErrorCode.operationTimeout);
  assert.deepEqual([process.signals, bench.status], [["SIGTERM"], "running 1"]);
  process.exit({ code: 0 });
  bench.host.last.transport.hangUp();
  await bench.hand.settle();
  assert.deepEqual(bench.log, ["stopped failed"]);
});

test("a guest that shuts down is given the time to write its disks back, gracefully destroyed or by itself", async () => {
  for (const destroyed of [true, false]) {
    const { bench, domain } = await stubborn();
    const { process, transport } = bench.host.last;
    if (destroyed) bench.watch(bench.operations.destroy(domain, true, {}));
    transport.event("SHUTDOWN", { guest: !destroyed });
    await bench.hand.pass(60_000, 1000);
    assert.ok(!process.signals.includes("SIGKILL"));
    assert.equal(bench.status, "shutdown 0");
  }
});

test("a graceful attempt that fails does not take back a sure one", async () => {
  const { bench, domain } = await stubborn();
  const graceful = bench.watch(bench.operations.destroy(domain, true, {}));
  await bench.hand.pass(5000, 500);
  const sure = bench.watch(bench.operations.destroy(domain, false, {}));
  await bench.hand.pass(6000, 500);
  assert.deepEqual([graceful.error?.code, sure.isSettled], [ErrorCode.operationTimeout, false]);
  bench.host.last.process.onSignal = () => bench.host.last.end("SIGKILL");
  await bench.hand.pass(6000, 500);
  assert.deepEqual([sure.result, bench.log], ["ok", ["stopped destroyed"]]);
});

test("a graceful attempt after a sure one does not make it graceful", async () => {
  const { bench, domain } = await stubborn();
  bench.watch(bench.operations.destroy(domain, false, {}));
  const graceful = bench.watch(bench.operations.destroy(domain, true, {}));
  await bench.hand.pass(40_000, 1000);
  assert.equal(graceful.error?.code, ErrorCode.operationTimeout);
  bench.host.last.end("SIGKILL");
  await bench.hand.settle();
  assert.deepEqual(bench.log, ["stopped destroyed"]);
});

test("a process that cannot be killed lets the caller go", async () => {
  const { bench, domain } = await stubborn();
  const destroyed = bench.watch(bench.operations.destroy(domain, false, {}));
  await bench.hand.pass(30_000, 1000);
  assert.equal(destroyed.error?.code, ErrorCode.operationTimeout);
  assert.equal(bench.status, "running 1");
});

test("destroy does not wait for a job that waits for QEMU: that job fails at once", async () => {
  const { bench, domain } = await stubborn();
  const suspended = bench.watch(bench.operations.suspend(domain, {}));
  await bench.hand.settle();
  bench.host.last.process.onSignal = () => bench.host.last.end("SIGTERM");
  const destroyed = bench.watch(bench.operations.destroy(domain, false, {}));
  await bench.hand.settle();
  assert.equal(suspended.error?.message, "operation failed: domain is no longer running");
  assert.equal(destroyed.result, "ok");
  assert.deepEqual(bench.log, ["shutdown host", "stopped destroyed"]);
  bench.checkQuiet();
});

test("two destroys end one run once", async () => {
  const { bench, domain } = await stubborn();
  const both = [1, 2].map(() => bench.watch(bench.operations.destroy(domain, false, {})));
  bench.host.last.end("SIGTERM");
  await bench.hand.settle();
  assert.deepEqual(
    both.map(({ result }) => result),
    ["ok", "ok"],
  );
  assert.deepEqual(bench.log, ["shutdown host", "stopped destroyed"]);
  bench.checkQuiet();
});

test("a QEMU that ends in time is not waited for to be killed", async () => {
  const { bench, domain } = await stubborn();
  const destroyed = bench.watch(bench.operations.destroy(domain, false, {}));
  bench.host.last.process.exit();
  await bench.hand.pass(500);
  assert.equal(destroyed.isSettled, false, "it may still have something to say");
  bench.host.last.transport.hangUp();
  await bench.hand.settle();
  assert.equal(destroyed.result, "ok");
  bench.checkQuiet();
});

test("a start that waits behind a destroy starts the next run", async () => {
  const bench = new Bench();
  const domain = await bench.running();
  const destroyed = bench.operations.destroy(domain, false, {});
  const started = bench.operations.start(domain, {}, {});
  await bench.done(destroyed);
  assert.equal((await bench.done(started)).id, 2);
  assert.deepEqual(bench.log, ["shutdown host", "stopped destroyed", "resumed unpaused", "started booted"]);
});

test("a suspend meant for one run does not reach the next", async () => {
  const bench = new Bench();
  const domain = await bench.running();
  const destroyed = bench.operations.destroy(domain, false, {});
  const started = bench.operations.start(domain, {}, {});
  const suspended = bench.watch(bench.operations.suspend(domain, {}));
  await bench.done(Promise.all([destroyed, started]));
  assert.equal(suspended.error?.message, "Requested operation is not valid: domain is not running");
  assert.equal(bench.status, "running 1");
});

test("a suspend that waits for the start it followed suspends it", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  const started = bench.operations.start(domain, {}, {});
  const suspended = bench.operations.suspend(domain, {});
  await bench.done(Promise.all([started, suspended]));
  assert.deepEqual(bench.log, ["resumed unpaused", "started booted", "suspended paused"]);
});

test("a suspend whose reply is late times out, and the late stop is told when it comes", async () => {
  const { bench, domain } = await stubborn();
  const suspended = bench.watch(bench.operations.suspend(domain, { deadline: bench.hand.loop.now() + 1000 }));
  await bench.hand.pass(1500);
  assert.equal(suspended.error?.code, ErrorCode.operationTimeout);
  assert.equal(bench.status, "running 1");
  bench.host.last.transport.event("STOP");
  bench.host.last.transport.reply();
  assert.deepEqual([bench.log, bench.status], [["suspended paused"], "paused 0"]);
});

test("a stop and a continue in one packet leave the guest running", async () => {
  const { bench, domain } = await stubborn();
  const { transport } = bench.host.last;
  const suspended = bench.operations.suspend(domain, {});
  await bench.hand.settle();
  transport.json({ event: "STOP" }, { return: {}, id: transport.commands.at(-1)?.id }, { event: "RESUME" });
  await bench.done(suspended);
  assert.deepEqual([bench.log, bench.status], [["suspended paused", "resumed unpaused"], "running 5"]);
});

test("what a guest does in the packet that starts it is told after its start", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  bench.host.obeys = false;
  const started = bench.watch(bench.operations.start(domain, {}, {}));
  await bench.hand.settle();
  const { transport, process } = bench.host.last;
  transport.greet();
  for (let answers = 0; answers < 2; answers++) {
    transport.reply();
    await bench.hand.settle();
  }
  const id = transport.commands.at(-1)?.id;
  transport.json(
    { event: "RESUME" },
    { return: {}, id },
    { event: "SHUTDOWN", data: { guest: true } },
    { event: "STOP" },
  );
  transport.hangUp();
  process.exit();
  await bench.hand.settle();
  assert.equal(started.result, "ok");
  assert.deepEqual(bench.log, ["resumed unpaused", "started booted", "shutdown guest", "stopped shutdown"]);
  bench.checkQuiet();
});

for (const [when, prepare] of [
  ["before it has greeted", () => {}],
  ["before it has negotiated", (bench: Bench) => bench.host.last.transport.greet()],
] as const) {
  test(`a QEMU that dies ${when} fails the start with its last words, and no event`, async () => {
    const bench = new Bench();
    const domain = await bench.defined();
    bench.host.obeys = false;
    const started = bench.watch(bench.operations.start(domain, {}, {}));
    await bench.hand.settle();
    bench.host.last.words = "qemu-system-x86_64: -nosuch: invalid option";
    prepare(bench);
    bench.host.last.end("SIGKILL");
    await bench.hand.settle();
    assert.equal(
      started.result,
      "internal error: process exited while connecting to monitor: qemu-system-x86_64: -nosuch: invalid option",
    );
    assert.deepEqual([bench.log, bench.status], [[], "shutoff 6"]);
    bench.checkQuiet();
  });
}

test("a QEMU that hangs at its start is killed, and the start fails by its deadline", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  bench.host.obeys = false;
  const started = bench.watch(bench.operations.start(domain, {}, {}));
  await bench.hand.settle();
  bench.host.last.process.onSignal = (signal) => signal === "SIGKILL" && bench.host.last.end(signal);
  await bench.hand.pass(61_000, 1000);
  assert.equal(started.error?.code, ErrorCode.operationTimeout);
  assert.deepEqual(bench.host.last.process.signals.at(-1), "SIGKILL");
  assert.deepEqual([bench.log, bench.status], [[], "shutoff 6"]);
  bench.checkQuiet();
});

test("a destroy while QEMU is being launched fails the start, and nothing is told", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  const gate = Promise.withResolvers<void>();
  bench.host.gate = gate.promise;
  const started = bench.watch(bench.operations.start(domain, {}, {}));
  await bench.hand.settle();
  const destroyed = bench.watch(bench.operations.destroy(domain, false, {}));
  gate.resolve();
  await bench.hand.settle();
  assert.match(started.result ?? "", /process exited while connecting to monitor/);
  assert.equal(destroyed.result, "ok");
  assert.deepEqual([bench.log, bench.status], [[], "shutoff 6"]);
  bench.checkQuiet();
});

test("a QEMU that cannot be watched is not left behind", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  bench.host.watchFailure = new Error("too many open files");
  await assert.rejects(bench.done(bench.operations.start(domain, {}, {})), /too many open files/);
  assert.deepEqual([bench.host.last.process.signals, bench.status], [["SIGKILL"], "shutoff 6"]);
  bench.checkQuiet();
});

test("a transient domain whose start fails was never there", async () => {
  const bench = new Bench();
  bench.planFailure = new Error("no plan");
  const created = bench.watch(bench.operations.create(xml(), false, {}));
  await bench.hand.settle();
  assert.equal(created.result, "no plan");
  assert.deepEqual([bench.listed, bench.log], [[], []]);
  bench.checkQuiet();
});

test("an undefine that waits for a start makes the running domain transient", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  const started = bench.operations.start(domain, {}, {});
  const undefined_ = bench.operations.undefine(domain, {});
  await bench.done(Promise.all([started, undefined_]));
  assert.deepEqual([bench.listed, domain.persistent], [["hello"], undefined]);
  bench.host.last.end("SIGKILL");
  await bench.hand.settle();
  assert.deepEqual(bench.listed, []);
  assert.deepEqual(bench.log, ["resumed unpaused", "started booted", "undefined removed", "stopped failed"]);
});

test("a start that waits for an undefine finds no domain", async () => {
  const bench = new Bench();
  const domain = await bench.defined();
  const undefined_ = bench.operations.undefine(domain, {});
  const started = bench.watch(bench.operations.start(domain, {}, {}));
  await bench.done(undefined_);
  assert.equal(started.error?.code, ErrorCode.noDomain);
  assert.equal(bench.host.launched.length, 0);
});

test("a transient domain that ends while it is being defined is defined all the same", async () => {
  const bench = new Bench();
  await bench.done(bench.operations.create(xml(), false, {}));
  const gate = Promise.withResolvers<void>();
  bench.storeGate = gate.promise;
  const defined = bench.operations.define(xml(), {});
  await bench.hand.settle();
  bench.host.last.end("SIGKILL");
  await bench.hand.settle();
  assert.deepEqual(bench.listed, [], "it does not exist now");
  assert.throws(() => bench.guests.domains.byUuid(uuid));
  gate.resolve();
  await bench.done(defined);
  assert.deepEqual(bench.listed, ["hello"]);
  assert.deepEqual(bench.log, ["resumed unpaused", "started booted", "stopped failed", "defined added"]);
});

test("a garbled monitor ends its guest, and only that", async () => {
  const bench = new Bench();
  await bench.running();
  bench.host.last.transport.text("What?\n");
  await bench.hand.settle();
  assert.deepEqual(bench.host.last.process.signals, ["SIGTERM"]);
  assert.deepEqual([bench.log, bench.status], [["stopped failed"], "shutoff 3"]);
  bench.checkQuiet();
});

const operation = fc.constantFrom("define", "undefine", "create", "start", "suspend", "resume", "destroy", "shutdown");
const fault = fc.constantFrom("kill", "poweroff", "eof", "hang", "garbage", "pass", "turn");
const steps = fc.array(fc.oneof({ weight: 3, arbitrary: operation }, fault), { maxLength: 25 });

/** What may follow what in the events of one domain, as far as its runs go. */
const grammar =
  /^(,resumed unpaused,started booted(,suspended paused|,resumed unpaused)*(,shutdown (guest|host))?,stopped \w+)*$/;

test("any calls and faults in any order: every call settles, every run is told from start to end, nothing is left", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const bench = new Bench();
      const { operations } = bench;
      const domain = await bench.defined();
      const calls: { isSettled: boolean }[] = [];
      for (const step of steps) {
        const guest = bench.host.launched.at(-1);
        if (step === "define") calls.push(bench.watch(operations.define(xml(), {})));
        else if (step === "create") calls.push(bench.watch(operations.create(xml(), false, {})));
        else if (step === "undefine") calls.push(bench.watch(operations.undefine(domain, {})));
        else if (step === "start") calls.push(bench.watch(operations.start(domain, {}, {})));
        else if (step === "suspend") calls.push(bench.watch(operations.suspend(domain, {})));
        else if (step === "resume") calls.push(bench.watch(operations.resume(domain, {})));
        else if (step === "destroy") calls.push(bench.watch(operations.destroy(domain, false, {})));
        else if (step === "shutdown") calls.push(bench.watch(operations.shutdown(domain, byButton, {})));
        else if (step === "kill") guest?.end("SIGKILL");
        else if (step === "poweroff") guest?.transport.event("SHUTDOWN", { guest: true });
        else if (step === "eof") guest?.transport.hangUp();
        else if (step === "garbage") guest?.transport.text("?\n");
        else if (step === "hang" && guest !== undefined) guest.transport.onCommand = () => {};
        else if (step === "pass") await bench.hand.pass(5000, 1000);
        else await bench.hand.settle();
      }
      await bench.hand.pass(90_000, 5000);
      for (const guest of bench.host.launched) guest.end("SIGKILL");
      await bench.hand.pass(2000, 500);
      assert.ok(calls.every(({ isSettled }) => isSettled));
      const told = bench.log.filter((what) => !what.startsWith("defined") && !what.startsWith("undefined"));
      assert.match(told.map((what) => `,${what}`).join(""), grammar);
      bench.checkQuiet();
      await bench.done(bench.guests.close());
    }),
    { numRuns: 400 },
  );
});
