import assert from "node:assert/strict";
import { test } from "node:test";
import type { Transport, TransportListener } from "../../src/event/index.ts";
import { connect, patienceFor } from "../../src/qmp/index.ts";
import { FakeQemu } from "./fake-qemu.ts";
import { HandLoop } from "./hand-host.ts";

test("what QEMU offers is enabled, and an urgent command then goes out of band", async () => {
  const hand = new HandLoop();
  const qemu = new FakeQemu(hand.loop);
  const opened = connect(hand.loop, qemu);
  qemu.greet();
  assert.deepEqual(qemu.commands[0]?.arguments, { enable: ["oob"] });
  qemu.reply();
  const monitor = await opened;
  assert.equal(monitor.hasOutOfBand, true);
  void monitor.execute("migrate-pause", {}, { outOfBand: true }).catch(() => {});
  assert.ok("exec-oob" in (qemu.commands[1] ?? {}));
  monitor.close();
});

test("where it is not offered the command goes in order", async () => {
  const hand = new HandLoop();
  const qemu = new FakeQemu(hand.loop);
  const opened = connect(hand.loop, qemu);
  qemu.json({ QMP: { version: {}, capabilities: [] } });
  assert.deepEqual(qemu.commands[0]?.arguments, {});
  qemu.reply();
  const monitor = await opened;
  const done = monitor.execute("migrate-pause", {}, { outOfBand: true });
  assert.equal(qemu.commands[1]?.execute, "migrate-pause");
  qemu.reply(3);
  assert.equal(await done, 3);
  monitor.close();
});

test("descriptors go with the command that takes them, and with no other", async () => {
  const hand = new HandLoop();
  const passed: (readonly number[] | undefined)[] = [];
  const qemu = new FakeQemu(hand.loop);
  const transport: Transport = {
    backlog: 0,
    open: (listener: TransportListener) => qemu.open(listener),
    send: (bytes, fds) => {
      passed.push(fds);
      qemu.send(bytes);
    },
    pause: () => {},
    resume: () => {},
    close: (cause) => qemu.close(cause),
  };
  const opened = connect(hand.loop, transport);
  qemu.greet();
  qemu.reply();
  const monitor = await opened;
  void monitor.execute("getfd", { fdname: "file" }, { fds: [7] }).catch(() => {});
  void monitor.execute("cont").catch(() => {});
  assert.deepEqual(passed, [undefined, [7], undefined]);
  monitor.close();
});

test("events are a feed that ends with what closed the monitor", async () => {
  const hand = new HandLoop();
  const qemu = new FakeQemu(hand.loop);
  const opened = connect(hand.loop, qemu);
  qemu.greet();
  qemu.reply();
  const monitor = await opened;
  const events = monitor.events();
  qemu.event("STOP");
  qemu.event("RESUME");
  monitor.close(new Error("enough"));
  const names: string[] = [];
  await assert.rejects(async () => {
    for await (const { name } of events) names.push(name);
  }, /enough/);
  assert.deepEqual(names, ["STOP", "RESUME"]);
  await assert.rejects(monitor.events()[Symbol.asyncIterator]().next(), /enough/);
});

test("whoever watches hears when it does not answer, and when it does again", async () => {
  const hand = new HandLoop();
  const qemu = new FakeQemu(hand.loop);
  const heard: boolean[] = [];
  const opened = connect(hand.loop, qemu, { onResponsive: (isResponsive) => heard.push(isResponsive) });
  qemu.greet();
  qemu.reply();
  const monitor = await opened;
  const late = [1, 2].map(() => monitor.execute("query-status", {}, { timeoutMs: 100 }).catch(() => {}));
  await hand.pass(100);
  await Promise.all(late);
  assert.deepEqual([heard, monitor.responsive], [[false], false]);
  qemu.reply({}, 2);
  assert.deepEqual(heard, [false], "one is still owed");
  qemu.reply({}, 3);
  assert.deepEqual([heard, monitor.responsive], [[false, true], true]);
  monitor.close();
});

test("a command has as much time as what it makes QEMU do may take", () => {
  assert.deepEqual(["query-status", "system_reset", "blockdev-add", "query-blockstats", "savevm"].map(patienceFor), [
    10_000,
    30_000,
    60_000,
    60_000,
    Number.POSITIVE_INFINITY,
  ]);
});
