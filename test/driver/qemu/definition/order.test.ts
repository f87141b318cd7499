import assert from "node:assert/strict";
import { test } from "node:test";
import { completeCharacterDevices } from "../../../../src/driver/qemu/definition/character-devices.ts";
import { sortDisks } from "../../../../src/driver/qemu/definition/disks.ts";
import { machineType } from "../../../../src/driver/qemu/definition/machine-type.ts";
import { assignUsbAddresses } from "../../../../src/driver/qemu/definition/usb-ports.ts";
import { type Element, parseXml } from "../../../../src/xml/index.ts";

const machine = machineType(parseXml("<domain><os><type machine='pc'>hvm</type></os></domain>").root);

function devices(xml: string): Element {
  return parseXml(`<devices>${xml}</devices>`).root;
}

test("disks stand bus by bus, as their first ones do, and of a bus by name; of one name as they were written", () => {
  const disk = (dev: string, bus: string, serial = ""): string =>
    `<disk><target dev='${dev}' bus='${bus}'/><serial>${serial}</serial></disk>`;
  const all = devices(
    disk("vdb", "virtio") +
      disk("sdb", "scsi", "1") +
      disk("vda", "virtio") +
      disk("hda", "ide") +
      disk("sdb", "scsi", "2") +
      disk("vdaa", "virtio") +
      disk("sda", "scsi") +
      disk("odd", "virtio"),
  ).all("disk");
  const names = sortDisks(all).map((each) => `${each.first("target")?.attribute("dev")}${each.first("serial")?.text}`);
  assert.deepEqual(names, ["odd", "vda", "vdb", "vdaa", "sda", "sdb1", "sdb2", "hda"]);
});

test("serial ports have numbers behind the highest of all, and parallel ports behind the highest before them", () => {
  const port = (name: string, number?: number): string =>
    `<${name} type='null'>${number === undefined ? "" : `<target port='${number}'/>`}</${name}>`;
  const all = devices(
    ["serial", "parallel"].map((name) => port(name) + port(name, 4) + port(name) + port(name)).join(""),
  );
  completeCharacterDevices(all, machine);
  const numbersOf = (name: string) => all.all(name).map((each) => each.first("target")?.attribute("port"));
  assert.deepEqual(
    [numbersOf("serial"), numbersOf("parallel")],
    [
      ["5", "4", "6", "7"],
      ["0", "4", "5", "6"],
    ],
  );
});

test("each of a thousand USB devices has a port of its own, on hubs in hubs", () => {
  const inputs = "<input type='tablet' bus='usb'/>".repeat(1_000);
  const all = devices(`<controller type='usb' index='0' model='piix3-uhci'/>${inputs}`);
  assignUsbAddresses(all);
  const ports = all.all("input").map((each) => each.first("address")?.attribute("port"));
  assert.equal(new Set(ports).size, 1_000);
  const hubs = new Set(all.all("hub").map((each) => each.first("address")?.attribute("port")));
  for (const port of ports) assert.ok(hubs.has(port?.replace(/\.\d+$/, "")), `there is no hub for ${port}`);
});
