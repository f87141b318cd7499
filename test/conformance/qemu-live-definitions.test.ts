import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { dumpDefinition } from "../../src/driver/qemu/definition/dump.ts";
import { prepareRun } from "../../src/driver/qemu/definition/prepare-run.ts";
import { runBatch } from "./qemu-definitions/batch.ts";
import { normaliseLive } from "./qemu-definitions/normalise.ts";
import { skip, Workshop } from "./qemu-definitions/workshop.ts";

/** Something of each kind, and what virt-install makes. */
const started = (
  "hello minimal-q35 backing-chain ide scsi virtio-scsi usb-disk floppy sata sata-q35 vnc-listens vnc-socket spice " +
  "channels-spice console-virtio console-both usb-hub usb-controllers videos sounds filesystems os-efi os-loader-only " +
  "vi-linux vi-headless q35-bridges watchdogs"
).split(" ");

describe("the definition of a run by libvirt's QEMU driver and by ours", { skip, timeout: 600_000 }, () => {
  const workshop = new Workshop();
  const live = new Map<string, string>();

  before(async () => {
    await workshop.open();
    const lines = started.map((name) => {
      const path = workshop.write(`${name}.xml`, workshop.given(name));
      return `create --paused ${path}; dumpxml --security-info ${name}; destroy ${name}`;
    });
    const texts = await runBatch(workshop.socket, lines);
    for (const [at, name] of started.entries()) live.set(name, normaliseLive(texts[at] ?? ""));
  });

  after(() => workshop.close());

  for (const name of started) {
    it(`is shown the same: ${name}`, async () => {
      const facts = {
        nvramDirectory: workshop.nvramDirectory,
        channelDirectory: join(workshop.libvirtDirectory, "channel/target"),
        freePort: async (first: number) => first,
      };
      const shown = dumpDefinition(await prepareRun(workshop.ours(name), facts), { id: 1, secure: true });
      assert.equal(normaliseLive(shown), live.get(name));
    });
  }
});
