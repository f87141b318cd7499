import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { commandToAdd, GuestContext, partsOf } from "../../src/driver/qemu/command-line/index.ts";
import { Definition } from "../../src/model/index.ts";
import { parseXml } from "../../src/xml/index.ts";
import { goldenPlan, goldenXml } from "../driver/qemu/golden-guests.ts";
import { makeGuestFiles } from "./qemu-guests/guest-files.ts";
import { Scope } from "./qemu-guests/scope.ts";
import { qemu, startGuest } from "./qemu-guests/started-guest.ts";

const missing = [qemu, "/usr/bin/qemu-img"].filter((path) => !existsSync(path));
const skip =
  missing.length === 0 ? false : `${missing.join(", ")} missing: sudo apt-get install qemu-system-x86 qemu-utils`;

const newcomers = [
  `<disk type='file' device='disk'><driver type='raw'/><source file='$DIR/b.raw' index='9'/><target dev='vdz' bus='virtio'/>
   <iotune><total_iops_sec>100</total_iops_sec></iotune><alias name='virtio-disk25'/>
   <address type='pci' bus='0x00' slot='0x0a'/></disk>`,
  `<interface type='user'><mac address='52:54:00:00:00:77'/><model type='virtio'/><link state='down'/><alias name='net7'/>
   <address type='pci' bus='0x00' slot='0x0b'/></interface>`,
  `<rng model='virtio'><backend model='egd' type='unix'><source mode='bind' path='$DIR/egd.sock'/></backend>
   <alias name='rng7'/><address type='pci' bus='0x00' slot='0x0c'/></rng>`,
  `<serial type='null'><target type='pci-serial' port='1'><model name='pci-serial'/></target><alias name='serial7'/>
   <address type='pci' bus='0x00' slot='0x0d'/></serial>`,
  `<input type='mouse' bus='usb'><alias name='input7'/><address type='usb' bus='0' port='2'/></input>`,
];

test("the parts of a device join a QEMU that is there already", { skip, timeout: 60_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), "vwp-"));
  const scope = new Scope();
  scope.add(() => rmSync(directory, { recursive: true, force: true }));
  try {
    const xml = goldenXml("pc-minimal");
    makeGuestFiles(newcomers.join(""), directory);
    const monitor = await startGuest(goldenPlan(xml, directory), directory, scope);
    const context = new GuestContext(Definition.parse(xml), { directory, stateDirectory: directory, nowMs: 0 });
    for (const newcomer of newcomers) {
      for (const part of partsOf(parseXml(newcomer.replaceAll("$DIR", directory)).root, context)) {
        const { execute, arguments: args } = commandToAdd(part);
        await monitor.execute(execute, args);
      }
    }
    const found = (await monitor.execute("qom-list", { path: "/machine/peripheral" })) as readonly { name: string }[];
    const names = new Set(found.map(({ name }) => name));
    for (const id of ["virtio-disk25", "net7", "rng7", "serial7", "input7"])
      assert.ok(names.has(id), `${id} is missing`);
  } finally {
    scope.close();
  }
});
