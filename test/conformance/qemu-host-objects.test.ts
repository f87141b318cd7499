import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { OurDaemon } from "./qemu/our-daemon.ts";
import { PrivateLibvirtd } from "./qemu/private-libvirtd.ts";
import { run, virsh } from "./virsh/side.ts";
import { libvirtd } from "./virsh/teacher.ts";

const missing = [virsh, libvirtd].filter((path) => !existsSync(path));
const skip =
  missing.length > 0
    ? `no ${missing.join(", ")}: apt-get install libvirt-clients libvirt-daemon`
    : (PrivateLibvirtd.obstacle ?? false);

/** Each on the state that those before it have left; for DEVICE and INTERFACE comes every one that there is. */
const lines: readonly string[] = [
  "nodedev-list",
  "nodedev-list --tree",
  "nodedev-list --all",
  "nodedev-list --inactive",
  "nodedev-list --cap net",
  "nodedev-list --cap storage,pci",
  "nodedev-dumpxml DEVICE",
  "nodedev-info DEVICE",
  "nodedev-dumpxml nosuch",
  "nodedev-destroy computer",
  "nodedev-undefine computer",
  "nodedev-start computer",
  "nodedev-autostart computer",
  "iface-list",
  "iface-list --all",
  "iface-list --inactive",
  "iface-dumpxml INTERFACE",
  "iface-dumpxml INTERFACE --inactive",
  "iface-mac INTERFACE",
  "iface-dumpxml nosuch",
  "iface-name 00:00:00:00:00:99",
  "iface-start lo",
  "iface-destroy lo",
  "iface-undefine lo",
  "iface-begin",
  "nwfilter-list",
  "nwfilter-dumpxml nosuch",
  "nwfilter-binding-list",
  "nwfilter-binding-dumpxml nosuch",
  "secret-list",
  "secret-define secret.xml",
  "secret-list",
  "secret-define secret.xml",
  "secret-list --ephemeral",
  "secret-list --private --no-ephemeral",
  "secret-list --no-private --no-ephemeral",
  "secret-dumpxml 11111111-2222-3333-4444-555555555555",
  "secret-get-value 11111111-2222-3333-4444-555555555555",
  "secret-set-value 11111111-2222-3333-4444-555555555555 --base64 Z2VoZWlt",
  "secret-get-value 11111111-2222-3333-4444-555555555555",
  "secret-define other.xml",
  "secret-undefine 11111111-2222-3333-4444-555555555555",
  "secret-undefine 11111111-2222-3333-4444-555555555555",
  "secret-list",
];

const secret = `<secret ephemeral='no' private='no'><description>of the cluster</description>
  <uuid>11111111-2222-3333-4444-555555555555</uuid><usage type='ceph'><name>admin</name></usage></secret>`;

describe("interfaces, devices, filters and secrets of this machine, on libvirtd and ours", { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-host-"));
  let loop: Loop;
  let theirs: PrivateLibvirtd;
  let ours: OurDaemon;
  /** By placeholder. */
  const names: Record<string, readonly string[]> = {};

  before(async () => {
    writeFileSync(join(directory, "secret.xml"), secret);
    writeFileSync(join(directory, "other.xml"), secret.replace("admin", "other"));
    loop = openLoop();
    theirs = new PrivateLibvirtd(join(directory, "theirs"));
    ours = new OurDaemon(loop, join(directory, "ours"));
    await Promise.all([theirs.start(), ours.start()]);
    const listed = async (line: string): Promise<string[]> =>
      (await ask(theirs.socket, line)).stdout.trim().split(/\s+/);
    names["DEVICE"] = await listed("nodedev-list");
    names["INTERFACE"] = (await ask(theirs.socket, "iface-list --all")).stdout
      .split("\n")
      .slice(2)
      .flatMap((line) => line.trim().split(/\s+/)[0] || []);
  });

  after(async () => {
    await ours.stop();
    await theirs.stop();
    await loop.close();
    rmSync(directory, { recursive: true });
    assert.deepEqual(ours.warnings, []);
  });

  function ask(socket: string, line: string) {
    return run(`qemu+unix:///system?socket=${socket}`, directory, line);
  }

  for (const line of lines) {
    it(`say the same: ${line}`, async () => {
      const placeholder = /DEVICE|INTERFACE/.exec(line)?.[0] ?? "";
      // One virsh for all of them.
      const full = names[placeholder]?.map((name) => line.replace(placeholder, name)).join("; ");
      const asked = full === undefined ? line : `'${full}'`;
      const [there, here] = await Promise.all([ask(theirs.socket, asked), ask(ours.socket, asked)]);
      assert.deepEqual(here, there);
    });
  }
});
