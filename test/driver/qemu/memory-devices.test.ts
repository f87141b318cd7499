import assert from "node:assert/strict";
import { test } from "node:test";
import { localContext } from "../../../src/driver/local-context.ts";
import { deviceProcedures } from "../../../src/driver/qemu/procedures/devices.ts";
import type { Domain } from "../../../src/model/index.ts";
import { Bench, uuid } from "./bench.ts";

const guest = `<domain type='qemu'><name>hello</name><uuid>${uuid}</uuid><maxMemory slots='4'>4194304</maxMemory>
  <memory>524288</memory><os><type machine='q35'>hvm</type></os><features><acpi/></features>
  <cpu><numa><cell id='0' cpus='0' memory='524288'/></numa></cpu></domain>`;
const module =
  "<memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target><alias name='ua-one'/></memory>";

async function running(bench: Bench): Promise<Domain> {
  await bench.done(bench.operations.define(guest, {}));
  const { domain } = bench;
  await bench.done(bench.operations.start(domain, {}, {}));
  return domain;
}

const sizes = ({ definition }: Domain): number[] => [definition?.memoryKib ?? 0, definition?.currentMemoryKib ?? 0];

test("a memory module counts from when it is plugged in until it is gone, and is found by what it is", async () => {
  const bench = new Bench();
  const domain = await running(bench);
  const { domainAttachDevice, domainDetachDevice } = deviceProcedures(bench.guests, bench.operations.removals);
  assert.ok(domainAttachDevice && domainDetachDevice);
  const dom = domain.reference;
  await bench.done(Promise.resolve(domainAttachDevice({ dom, xml: module }, localContext())));
  assert.deepEqual(sizes(domain), [655_360, 655_360]);
  const other = module.replace("128", "64");
  const missing = bench.watch(Promise.resolve(domainDetachDevice({ dom, xml: other }, localContext())));
  await bench.hand.settle();
  assert.match(missing.result ?? "", /device not found/);
  const { transport } = bench.host.last;
  transport.onCommand = ({ execute, id }) => {
    if (execute === "device_del") transport.event("DEVICE_DELETED", { device: "ua-one" });
    transport.reply({}, id);
  };
  const plain = module.replace("<alias name='ua-one'/>", "");
  await bench.done(Promise.resolve(domainDetachDevice({ dom, xml: plain }, localContext())));
  assert.deepEqual(sizes(domain), [524_288, 524_288]);
});

test("what a device of virtio's may have is counted, and what it has is not yet there", async () => {
  const bench = new Bench();
  const domain = await running(bench);
  const { domainAttachDevice } = deviceProcedures(bench.guests, bench.operations.removals);
  assert.ok(domainAttachDevice);
  const xml = `<memory model='virtio-mem'><target><size unit='MiB'>64</size><node>0</node><block unit='MiB'>2</block>
    <requested unit='MiB'>0</requested></target></memory>`;
  await bench.done(Promise.resolve(domainAttachDevice({ dom: domain.reference, xml }, localContext())));
  assert.deepEqual(sizes(domain), [589_824, 524_288]);
});
