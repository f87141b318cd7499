import assert from "node:assert/strict";
import { test } from "node:test";
import { unplug } from "../../../src/driver/qemu/device/unplug.ts";
import { relay } from "../../../src/driver/qemu/events.ts";
import { changed } from "../../../src/driver/qemu/modification.ts";
import type { Run } from "../../../src/driver/qemu/run.ts";
import type { Domain } from "../../../src/model/index.ts";
import { parseXml } from "../../../src/xml/index.ts";
import type { FakeQemu } from "../../qmp/fake-qemu.ts";
import { Bench } from "./bench.ts";

const rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='rng0'/></rng>";

/** A guest that runs with a source of random numbers, plugged in later. */
async function setUp(): Promise<{ bench: Bench; domain: Domain; run: Run; qemu: FakeQemu }> {
  const bench = new Bench();
  const domain = await bench.running();
  const run = bench.guests.runOf(domain) ?? assert.fail("no run");
  assert.ok(domain.definition);
  run.describe(changed(domain.definition, (root) => root.first("devices")?.children.push(parseXml(rng).root)));
  run.onMonitorEvent((event) => relay(bench.guests, domain, run, event));
  const qemu = bench.host.last.transport;
  qemu.commands.length = 0;
  bench.log.length = 0;
  return { bench, domain, run, qemu };
}

const hasDevice = ({ definition }: Domain): boolean => definition?.toXml().includes("rng0") === true;

test("a device is gone when QEMU says so, be it before the reply", async () => {
  const { bench, domain, run, qemu } = await setUp();
  qemu.onCommand = ({ id }) => {
    qemu.event("DEVICE_DELETED", { device: "rng0", path: "/machine/peripheral/rng0" });
    qemu.reply({}, id);
  };
  assert.equal(await bench.done(unplug(run, "rng0", 30_000)), "gone");
  assert.equal(hasDevice(domain), false);
  assert.deepEqual(bench.log, ["deviceRemoved"]);
  // What it stood on goes after it.
  assert.deepEqual(
    qemu.commands.map(({ execute }) => execute),
    ["device_del", "object-del"],
  );
});

test("a guest that takes its time is waited for as long as libvirt does, and the end is told whenever it comes", async () => {
  const { bench, domain, run, qemu } = await setUp();
  const outcome = unplug(run, "rng0", 30_000);
  await bench.hand.pass(4999);
  assert.ok(hasDevice(domain));
  await bench.hand.pass(1);
  assert.equal(await bench.done(outcome), "pending");
  assert.deepEqual(bench.log, []);
  qemu.event("DEVICE_DELETED", { device: "rng0", path: "/machine/peripheral/rng0" });
  await bench.hand.settle();
  assert.deepEqual([hasDevice(domain), ...bench.log], [false, "deviceRemoved"]);
});

test("a guest may refuse, and another device's end is not this one's", async () => {
  const { bench, domain, run, qemu } = await setUp();
  const outcome = bench.watch(unplug(run, "rng0", 30_000));
  await bench.hand.settle();
  qemu.event("DEVICE_DELETED", { device: "rng1", path: "/machine/peripheral/rng1" });
  qemu.event("DEVICE_DELETED", { path: "/machine/peripheral/rng0/virtio-backend" });
  await bench.hand.settle();
  assert.equal(outcome.isSettled, false);
  qemu.event("DEVICE_UNPLUG_GUEST_ERROR", { device: "rng0", path: "/machine/peripheral/rng0" });
  await bench.hand.settle();
  assert.equal(outcome.isSettled, true);
  assert.ok(hasDevice(domain));
  assert.deepEqual(bench.log, ["deviceRemovalFailed"]);
});

test("the end of the run ends the wait for a device, and leaves nothing", async () => {
  const { bench, domain, run } = await setUp();
  const outcome = bench.watch(unplug(run, "rng0", 30_000));
  await bench.hand.settle();
  await bench.done(bench.operations.destroy(domain, false, {}));
  assert.equal(outcome.isSettled, true);
  bench.checkQuiet();
});

test("the balloon's size is the domain's from the event on", async () => {
  const { bench, domain, qemu } = await setUp();
  qemu.event("BALLOON_CHANGE", { actual: 512 * 1024 });
  await bench.hand.settle();
  assert.equal(domain.definition?.currentMemoryKib, 512);
  assert.deepEqual(bench.log, ["balloonChange"]);
});

test("an event of a run that is over changes nothing", async () => {
  const { bench, domain, run } = await setUp();
  const event = { name: "BALLOON_CHANGE", data: { actual: 512 * 1024 }, timeMs: 0 };
  await bench.done(bench.operations.destroy(domain, false, {}));
  await bench.done(bench.operations.start(domain, {}, {}));
  bench.log.length = 0;
  relay(bench.guests, domain, run, event);
  assert.deepEqual([domain.definition?.currentMemoryKib, ...bench.log], [1024]);
});
