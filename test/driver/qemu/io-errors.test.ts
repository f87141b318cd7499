import assert from "node:assert/strict";
import { test } from "node:test";
import { relay } from "../../../src/driver/qemu/events.ts";
import { changed } from "../../../src/driver/qemu/modification.ts";
import type { Domain } from "../../../src/model/index.ts";
import type { DomainEvent } from "../../../src/protocol/index.ts";
import { parseXml } from "../../../src/xml/index.ts";
import type { FakeQemu } from "../../qmp/fake-qemu.ts";
import { Bench } from "./bench.ts";

const disk = `<disk type='file' device='disk'><source file='/images/a.qcow2' index='2'/>
  <backingStore type='file' index='1'><source file='/images/base.raw'/></backingStore>
  <target dev='vda' bus='virtio'/><alias name='virtio-disk0'/></disk>`;

/** A guest that runs with a disk, and all that is told of it. */
async function setUp(): Promise<{ bench: Bench; domain: Domain; qemu: FakeQemu; told: DomainEvent[] }> {
  const bench = new Bench();
  const told: DomainEvent[] = [];
  const { publish } = bench.options;
  Object.assign(bench.options, {
    publish: (event: DomainEvent) => {
      told.push(event);
      return publish(event);
    },
  });
  const domain = await bench.running();
  const run = bench.guests.runOf(domain) ?? assert.fail("no run");
  assert.ok(domain.definition);
  run.describe(changed(domain.definition, (root) => root.first("devices")?.children.push(parseXml(disk).root)));
  run.onMonitorEvent((event) => relay(bench.guests, domain, run, event));
  bench.log.length = 0;
  told.length = 0;
  return { bench, domain, qemu: bench.host.last.transport, told };
}

test("a disk without room stops the guest: that is told of the disk first, and then of the guest", async () => {
  const { bench, domain, qemu, told } = await setUp();
  const device = "/machine/peripheral/virtio-disk0/virtio-backend";
  qemu.event("BLOCK_IO_ERROR", { device, "node-name": "libvirt-2-format", action: "stop", nospace: true });
  qemu.event("STOP");
  await bench.hand.settle();
  assert.deepEqual([bench.log, bench.status], [["ioError", "ioErrorReason", "3.2"], "paused 5"]);
  const what = { dom: domain.reference, srcPath: "/images/a.qcow2", devAlias: "virtio-disk0", action: 1 };
  assert.deepEqual(told.slice(0, 2), [
    { name: "ioError", ...what },
    { name: "ioErrorReason", ...what, reason: "enospc" },
  ]);
});

test("a disk is known by its node where QEMU gives no device", async () => {
  const { bench, qemu, told } = await setUp();
  qemu.event("BLOCK_IO_ERROR", { device: "", "node-name": "libvirt-1-format", action: "stop" });
  await bench.hand.settle();
  const [first] = told;
  assert.deepEqual(first?.name === "ioError" && [first.srcPath, first.devAlias], ["/images/a.qcow2", "virtio-disk0"]);
});

test("what the guest itself is told, or nobody, does not stop it", async () => {
  const { bench, qemu, told } = await setUp();
  qemu.event("BLOCK_IO_ERROR", { device: "virtio-disk0", action: "report" });
  qemu.event("BLOCK_IO_ERROR", { device: "nobody", action: "ignore" });
  await bench.hand.settle();
  assert.equal(bench.status, "running 1");
  const seen = told.map((event) => event.name === "ioErrorReason" && [event.devAlias, event.action, event.reason]);
  assert.deepEqual(seen, [false, ["virtio-disk0", 2, ""], false, ["", 0, ""]]);
});

test("a guest that refuses to give a memory module back is told about", async () => {
  const { bench, qemu } = await setUp();
  const info = { device: "dimm0", slot: "0", "slot-type": "DIMM", source: 0x103 };
  qemu.event("ACPI_DEVICE_OST", { info: { ...info, status: 0x84 } });
  qemu.event("ACPI_DEVICE_OST", { info: { ...info, status: 0 } });
  qemu.event("ACPI_DEVICE_OST", { info: { ...info, "slot-type": "CPU", status: 1 } });
  await bench.hand.settle();
  assert.deepEqual(bench.log, []);
  qemu.event("ACPI_DEVICE_OST", { info: { ...info, status: 1 } });
  await bench.hand.settle();
  assert.deepEqual(bench.log, ["deviceRemovalFailed"]);
});

test("a memory device says how much of it is there", async () => {
  const { bench, domain, qemu } = await setUp();
  const run = bench.guests.runOf(domain) ?? assert.fail("no run");
  const memory = "<memory model='virtio-mem'><target><size>8</size></target><alias name='virtiomem0'/></memory>";
  assert.ok(domain.definition);
  run.describe(changed(domain.definition, (root) => root.first("devices")?.children.push(parseXml(memory).root)));
  qemu.event("MEMORY_DEVICE_SIZE_CHANGE", { id: "virtiomem0", size: 4 * 1_048_576 });
  await bench.hand.settle();
  assert.match(domain.definition.toXml(), /<current unit='KiB'>4096<\/current>/);
  assert.deepEqual(bench.log, ["memoryDeviceSizeChange"]);
});
