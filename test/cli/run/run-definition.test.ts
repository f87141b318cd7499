import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { runDefinition } from "../../../src/cli/run/run-definition.ts";
import type { RunOptions } from "../../../src/cli/run/run-options.ts";
import { parseXml } from "../../../src/xml/index.ts";

const directory = mkdtempSync(join(tmpdir(), "virtwright-run-definition-"));
after(() => rmSync(directory, { recursive: true }));
const qcow2 = join(directory, "an image & more.img");
writeFileSync(qcow2, Buffer.from("514649fb00000003", "hex"));
const raw = join(directory, "raw.qcow2");
writeFileSync(raw, "");

const plain: RunOptions = {
  name: "web",
  disk: undefined,
  kernel: undefined,
  initrd: undefined,
  append: undefined,
  memoryMib: 512,
  cpus: 2,
  accelerator: "auto",
  forwards: [],
  userData: undefined,
  sshKeys: [],
  remove: false,
  connect: undefined,
  directory: undefined,
};
const around = { uuid: undefined, hasKvm: false, seed: undefined };

suite("the definition that run makes", () => {
  test("has the disk in the format that the image has, whatever it is called", () => {
    for (const [file, format] of [
      [qcow2, "qcow2"],
      [raw, "raw"],
    ] as const) {
      const { root } = parseXml(runDefinition({ ...plain, disk: file }, around));
      const disk = root.find("devices", "disk");
      assert.equal(disk?.first("source")?.attribute("file"), file);
      assert.equal(disk?.first("driver")?.attribute("type"), format);
    }
  });

  test("uses KVM where the hypervisor has it, or where it is told to", () => {
    const typeOf = (options: RunOptions, hasKvm: boolean): string | undefined =>
      parseXml(runDefinition(options, { ...around, hasKvm })).root.attribute("type");
    assert.deepEqual([typeOf(plain, true), typeOf(plain, false)], ["kvm", "qemu"]);
    assert.equal(typeOf({ ...plain, accelerator: "tcg" }, true), "qemu");
    assert.equal(typeOf({ ...plain, accelerator: "kvm" }, false), "kvm");
  });

  test("forwards ports from this machine alone, unless an address is given", () => {
    const forwards = [
      { protocol: "tcp", address: undefined, host: 2222, guest: 22 },
      { protocol: "udp", address: "0.0.0.0", host: 53, guest: 5353 },
    ] as const;
    const xml = runDefinition({ ...plain, forwards }, around);
    assert.match(
      xml,
      /<portForward proto='tcp' address='127\.0\.0\.1'>\n\s+<range start='2222' to='22'\/>\n\s+<\/portForward>/,
    );
    assert.match(xml, /<portForward proto='udp' address='0\.0\.0\.0'>\n\s+<range start='53' to='5353'\/>/);
  });

  test("keeps the uuid of the guest that has the name, and shows cloud-init its data", () => {
    const uuid = "11111111-2222-3333-4444-555555555555";
    const { root } = parseXml(runDefinition(plain, { ...around, uuid, seed: "/seed.iso" }));
    assert.equal(root.first("uuid")?.text, uuid);
    const cdrom = root.find("devices", "disk");
    assert.equal(cdrom?.attribute("device"), "cdrom");
    assert.equal(cdrom?.first("source")?.attribute("file"), "/seed.iso");
  });
});
