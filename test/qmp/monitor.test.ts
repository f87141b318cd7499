import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import fc from "fast-check";
import { DeadlineError, StateError } from "../../src/event/index.ts";
import { CommandError, Monitor, MonitorClosedError, type MonitorEvent } from "../../src/qmp/index.ts";
import { FakeQemu } from "./fake-qemu.ts";
import { HandLoop } from "./hand-host.ts";

function setUp() {
  const hand = new HandLoop();
  const qemu = new FakeQemu(hand.loop);
  const events: MonitorEvent[] = [];
  const closes: Error[] = [];
  const monitor = new Monitor(hand.loop, qemu, {
    onEvent: (event) => events.push(event),
    onClose: (cause) => closes.push(cause),
  });
  return { hand, qemu, events, closes, monitor };
}

async function ready() {
  const all = setUp();
  const opened = all.monitor.open();
  all.qemu.greet();
  all.qemu.reply();
  await opened;
  return all;
}

/** How a promise ended, without waiting for one that does not. */
function outcome(promise: Promise<unknown>): { value?: unknown; error?: unknown } {
  const result: { value?: unknown; error?: unknown } = {};
  promise.then(
    (value) => {
      result.value = value;
    },
    (error: unknown) => {
      result.error = error;
    },
  );
  return result;
}

test("opening waits for the greeting and negotiates", async () => {
  const { monitor, qemu } = setUp();
  const opened = monitor.open();
  assert.equal(monitor.state, "greeting");
  assert.equal(qemu.commands.length, 0);
  qemu.greet();
  assert.equal(monitor.state, "negotiating");
  assert.equal(qemu.commands[0]?.execute, "qmp_capabilities");
  qemu.reply();
  await opened;
  assert.equal(monitor.state, "ready");
  assert.deepEqual(monitor.version["qemu"], { major: 7, minor: 2, micro: 0 });
});

test("a QEMU that does not greet in time closes the monitor", async () => {
  const { hand, monitor, qemu, closes } = setUp();
  const opened = outcome(monitor.open({ timeoutMs: 1000 }));
  await hand.pass(2000);
  assert.ok(opened.error instanceof DeadlineError);
  assert.equal(monitor.state, "closed");
  assert.deepEqual(closes, [opened.error]);
  assert.ok(qemu.closed);
});

test("a QEMU that greets and then hangs closes the monitor too", async () => {
  const { hand, monitor, qemu } = setUp();
  const opened = outcome(monitor.open({ timeoutMs: 1000 }));
  await hand.pass(900);
  qemu.greet();
  await hand.pass(200);
  assert.ok(opened.error instanceof DeadlineError);
  assert.equal(hand.loop.size, 0);
});

test("replies are matched by id, in whatever order they come", async () => {
  const { monitor, qemu } = await ready();
  const first = monitor.execute("query-status");
  const second = monitor.execute("query-name");
  const [, one, two] = qemu.commands;
  qemu.reply("two", two?.id);
  qemu.reply("one", one?.id);
  assert.deepEqual(await Promise.all([first, second]), ["one", "two"]);
});

test("a refusal carries QMP's class and text", async () => {
  const { monitor, qemu } = await ready();
  const reply = outcome(monitor.execute("nosuch"));
  qemu.refuse("The command nosuch has not been found");
  await new Promise(setImmediate);
  assert.ok(reply.error instanceof CommandError);
  assert.equal(reply.error.command, "nosuch");
  assert.equal(reply.error.errorClass, "GenericError");
});

test("events arrive in order, between replies too", async () => {
  const { monitor, qemu, events } = await ready();
  const reply = monitor.execute("cont");
  qemu.json(
    { event: "RESUME", timestamp: { seconds: 1, microseconds: 500_000 } },
    { return: {}, id: qemu.commands.at(-1)?.id },
    { event: "STOP", data: { a: 1 }, timestamp: { seconds: 2, microseconds: 0 } },
  );
  assert.deepEqual(
    events.map(({ name, timeMs }) => [name, timeMs]),
    [
      ["RESUME", 1500],
      ["STOP", 2000],
    ],
  );
  await reply;
});

test("a command ends by its deadline, and its late reply answers nobody", async () => {
  const { hand, monitor, qemu } = await ready();
  const late = outcome(monitor.execute("stop", {}, { timeoutMs: 100 }));
  const lateId = qemu.commands.at(-1)?.id;
  await hand.pass(200);
  assert.ok(late.error instanceof DeadlineError);
  assert.equal(monitor.responsive, false);
  const next = outcome(monitor.execute("query-status"));
  qemu.reply("late", lateId);
  await hand.settle();
  assert.deepEqual(next, {});
  assert.equal(monitor.responsive, true);
  qemu.reply("next");
  await hand.settle();
  assert.deepEqual(next, { value: "next" });
});

test("an aborted command fails with the signal's reason, and its reply is dropped", async () => {
  const { hand, monitor, qemu } = await ready();
  const controller = new AbortController();
  const aborted = outcome(monitor.execute("stop", {}, { signal: controller.signal }));
  const reason = new Error("nobody waits");
  controller.abort(reason);
  qemu.reply("late");
  await hand.settle();
  assert.deepEqual(aborted, { error: reason });
  assert.equal(hand.loop.size, 0, "its timeout is gone");
});

test("a settled command leaves no listener on its signal", async () => {
  const { monitor, qemu } = await ready();
  const { signal } = new AbortController();
  const reply = monitor.execute("stop", {}, { signal });
  assert.equal(getEventListeners(signal, "abort").length, 1);
  qemu.reply();
  await reply;
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("a command without time is not sent", async () => {
  const { monitor, qemu } = await ready();
  const before = qemu.commands.length;
  await assert.rejects(monitor.execute("stop", {}, { timeoutMs: 0 }), DeadlineError);
  assert.equal(qemu.commands.length, before);
});

test("who has all the time waits until QEMU answers or goes", async () => {
  const { hand, monitor, qemu } = setUp();
  const opened = outcome(monitor.open({ timeoutMs: Infinity }));
  await hand.pass(1e9, 1e8);
  qemu.greet();
  await hand.pass(1e9, 1e8);
  assert.deepEqual(opened, {});
  qemu.reply();
  await hand.settle();
  assert.equal(monitor.state, "ready");
  const reply = outcome(monitor.execute("query-status", {}, { timeoutMs: Infinity }));
  await hand.pass(1e9, 1e8);
  assert.deepEqual(reply, {});
  qemu.hangUp();
  await hand.settle();
  assert.ok(reply.error instanceof MonitorClosedError);
  assert.equal(hand.loop.size, 0);
});

test("a line in two pieces is read although the transport uses its buffer again", async () => {
  const { hand, monitor, qemu } = await ready();
  const reply = outcome(monitor.execute("query-status"));
  const line = JSON.stringify({ return: "whole", id: qemu.commands.at(-1)?.id });
  const buffer = Buffer.from(line);
  qemu.bytes(buffer.subarray(0, 20));
  const rest = Buffer.from(buffer.subarray(20));
  buffer.fill("x");
  qemu.bytes(rest);
  qemu.text("\n");
  await hand.settle();
  assert.deepEqual(reply, { value: "whole" });
});

test("a signal that is already aborted sends nothing", async () => {
  const { monitor, qemu } = await ready();
  const before = qemu.commands.length;
  await assert.rejects(monitor.execute("stop", {}, { signal: AbortSignal.abort(new Error("early")) }), /early/);
  assert.equal(qemu.commands.length, before);
});

test("the end of the connection fails everything that is pending at once", async () => {
  const { hand, monitor, qemu, closes } = await ready();
  const pending = [monitor.execute("a"), monitor.execute("b")].map(outcome);
  qemu.hangUp();
  await hand.settle();
  for (const { error } of pending) assert.ok(error instanceof MonitorClosedError);
  assert.equal(closes.length, 1);
  assert.equal(hand.loop.size, 0);
});

for (const [what, garbage] of [
  ["no JSON", "What?\n"],
  ["a JSON array", "[]\n"],
  ["an object that is no message", "{}\n"],
  ["a second greeting", `{"QMP": {"version": {}}}\n`],
  ["an error without an id", `{"error": {"class": "GenericError", "desc": "JSON parse error"}}\n`],
] as const) {
  test(`${what} closes the monitor and fails what is pending`, async () => {
    const { hand, monitor, qemu, closes, events } = await ready();
    const pending = outcome(monitor.execute("query-status"));
    qemu.text(`${garbage}{"event": "STOP"}\n`);
    await hand.settle();
    assert.ok(pending.error instanceof MonitorClosedError);
    assert.deepEqual(closes, [pending.error]);
    assert.deepEqual(events, [], "nothing behind garbage is believed");
  });
}

test("a line without end closes the monitor", async () => {
  const { qemu, closes } = await ready();
  const part = "x".repeat(1024 * 1024);
  for (let times = 0; times < 17; times++) qemu.text(part);
  assert.equal(closes.length, 1);
});

test("nothing is sent after close, and nothing is heard", async () => {
  const { hand, monitor, qemu, events, closes } = await ready();
  monitor.close();
  monitor.close();
  const refused = outcome(monitor.execute("query-status"));
  qemu.event("STOP");
  await hand.settle();
  assert.ok(refused.error instanceof MonitorClosedError);
  assert.deepEqual([events.length, closes.length, qemu.sentAfterClose], [0, 1, 0]);
});

test("a listener may close the monitor between two lines of one packet", async () => {
  const hand = new HandLoop();
  const qemu = new FakeQemu(hand.loop);
  const heard: string[] = [];
  const monitor = new Monitor(hand.loop, qemu, {
    onEvent: ({ name }) => {
      heard.push(name);
      monitor.close();
    },
    onClose: () => heard.push("close"),
  });
  const opened = monitor.open();
  qemu.greet();
  qemu.reply();
  await opened;
  qemu.json({ event: "STOP" }, { event: "RESUME" });
  assert.deepEqual(heard, ["STOP", "close"]);
});

test("what a listener throws is reported, and the next line is read", async () => {
  const hand = new HandLoop();
  const qemu = new FakeQemu(hand.loop);
  const monitor = new Monitor(hand.loop, qemu, {
    onEvent: () => {
      throw new Error("listener");
    },
    onClose: () => {},
  });
  const opened = monitor.open();
  qemu.greet();
  qemu.reply();
  await opened;
  const reply = outcome(monitor.execute("query-status"));
  qemu.json({ event: "STOP" }, { return: 1, id: qemu.commands.at(-1)?.id });
  await hand.settle();
  assert.deepEqual(reply, { value: 1 });
  assert.equal(hand.errors.length, 1);
});

test("a monitor opens once, and executes only when it is ready", async () => {
  const { monitor } = setUp();
  await assert.rejects(monitor.execute("query-status"), StateError);
  const opened = outcome(monitor.open());
  assert.throws(() => monitor.open(), StateError);
  monitor.close();
  await new Promise(setImmediate);
  assert.ok(opened.error instanceof MonitorClosedError);
});

test("text is read the same however it is cut", async () => {
  const { qemu, events } = await ready();
  const bytes = new TextEncoder().encode('{"event": "ÄÖÜ€", "data": {"a": "😀"}}\r\n\r\n{"event": "B"}\n');
  let rounds = 0;
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 6 }), (cuts) => {
      const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
      for (let at = 1; at < edges.length; at++) qemu.bytes(bytes.slice(edges[at - 1], edges[at]));
      rounds++;
      return events.length === 2 * rounds && events.at(-2)?.name === "ÄÖÜ€" && events.at(-2)?.data["a"] === "😀";
    }),
  );
});

test("each command settles exactly once, whatever comes in whatever order", async () => {
  const step = fc.constantFrom("reply", "refuse", "event", "abort", "expire", "late", "close", "garbage");
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const { hand, monitor, qemu } = await ready();
      const signals = [new AbortController(), new AbortController(), new AbortController()];
      const settled = signals.map(() => 0);
      const commands = signals.map(({ signal }, index) => {
        const count = (): void => {
          settled[index] = (settled[index] ?? 0) + 1;
        };
        return monitor.execute(`c${index}`, {}, { signal, timeoutMs: 100 * (index + 1) }).then(count, count);
      });
      const ids = qemu.commands.slice(1).map(({ id }) => id);
      for (const [at, what] of steps.entries()) {
        const id = ids[at % ids.length];
        if (what === "reply" || what === "late") qemu.reply(at, id);
        if (what === "refuse") qemu.refuse("no", id);
        if (what === "event") qemu.event("STOP");
        if (what === "abort") signals[at % signals.length]?.abort();
        if (what === "expire") await hand.pass(100);
        if (what === "close") qemu.hangUp();
        if (what === "garbage") qemu.text("?\n");
        if (at % 2 === 0) await hand.settle();
      }
      await hand.pass(500);
      await Promise.all(commands);
      assert.deepEqual(settled, [1, 1, 1]);
      assert.equal(hand.loop.size, 0);
      assert.equal(qemu.sentAfterClose, 0);
      assert.deepEqual(hand.errors, []);
    }),
    { numRuns: 200 },
  );
});
