import assert from "node:assert/strict";
import { test } from "node:test";
import { aliasOf, nameDevices, nameNewDevice } from "../../../../src/driver/qemu/definition/aliases.ts";
import { machineType } from "../../../../src/driver/qemu/definition/machine-type.ts";
import type { Element } from "../../../../src/xml/index.ts";
import { parseXml } from "../../../../src/xml/index.ts";

const machine = machineType(parseXml("<domain><os><type machine='pc-q35-7.2'>hvm</type></os></domain>").root);

function named(xml: string): { devices: Element; names: (string | undefined)[] } {
  const devices = parseXml(`<devices>${xml}</devices>`).root;
  nameDevices(devices, machine);
  return { devices, names: devices.elements().map(aliasOf) };
}

const pci = "<address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>";

test("memory devices are numbered by their kind, and modules by their slot, whatever their place on the PCI bus", () => {
  const { names } = named(
    `<memory model='virtio-mem'>${pci}</memory><memory model='virtio-mem'>${pci}</memory>` +
      `<memory model='dimm'><address type='dimm' slot='3'/></memory><memory model='virtio-pmem'>${pci}</memory>`,
  );
  assert.deepEqual(names, ["virtiomem0", "virtiomem1", "dimm3", "virtiopmem0"]);
});

test("one that joins later has the number behind the others", () => {
  const { devices } = named(`<memory model='virtio-mem'>${pci}</memory>`);
  const device = parseXml(`<memory model='virtio-mem'>${pci}</memory>`).root;
  devices.children.push(device);
  nameNewDevice(devices, device, machine);
  assert.equal(aliasOf(device), "virtiomem1");
});
