import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { libvirtd } from "../conformance/virsh/teacher.ts";
import { type Answer, VirshPair } from "./virsh-pair.ts";

const programs = [libvirtd, "/usr/bin/virsh", "/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-img"];
const missing = programs.filter((program) => !existsSync(program));
const skip =
  missing.length > 0 &&
  `missing: ${missing.join(", ")} (apt-get install libvirt-daemon libvirt-clients qemu-system-x86 qemu-utils)`;

/** Command lines that are to be answered as by virsh, in this order, about a guest whose processor stands still. */
const lines = `
define SIDE/web.xml
start web --paused
blockpull web vda --wait --verbose
snapshot-create-as web s1 --disk-only --no-metadata --diskspec vdb,snapshot=no
blockpull web vda --wait
snapshot-create-as web s2 --disk-only --no-metadata --diskspec vdb,snapshot=no
snapshot-create-as web s3 --disk-only --no-metadata --diskspec vdb,snapshot=no
blockcommit web vda --top SIDE/vda.s2 --wait
blockcommit web vda --active --wait
blockcommit web vda --active
blockjob web vda --info
blockjob web vda --abort
blockcommit web vda --keep-overlay --verbose
blockcommit web vda --pivot
domblklist web
blockcopy web vdb SIDE/a.img --wait --transient-job
blockjob web vdb
blockjob web vdb --abort
blockjob web vdb --abort
blockcopy web vdb SIDE/b.img --pivot --transient-job
blockcopy web vdb SIDE/c.img --timeout 1 --bandwidth 1 --transient-job
`
  .trim()
  .split("\n");

/** The same guest, with its job that somebody has aborted. */
const backupLines = `
domjobinfo web
domjobinfo web --keep-completed
domjobabort web --postcopy
checkpoint-create-as web c1 --diskspec vdb,checkpoint=no
checkpoint-create-as web c2 --diskspec vdb,checkpoint=no
checkpoint-list web --tree
checkpoint-dumpxml web c2 --no-domain --size
checkpoint-info web c1
backup-begin web SIDE/backup.xml SIDE/checkpoint.xml
backup-dumpxml web
domjobinfo web
domjobinfo web --rawstats
blockjob web vda
domjobabort web
backup-dumpxml web
domjobinfo web --completed --keep-completed
domjobinfo web --completed --rawstats
domjobinfo web --completed
checkpoint-delete web c1 --children
checkpoint-list web --name
destroy web
domjobinfo web --completed
`
  .trim()
  .split("\n");

function filesOf(place: string): Readonly<Record<string, string>> {
  const server = `<server transport='unix' socket='${place}/nbd.sock'/>`;
  const disks = `<disks><disk name='vda' backup='yes' type='file'><scratch file='${place}/scratch'/></disk><disk name='vdb' backup='no'/></disks>`;
  return {
    web: definitionOf(place),
    backup: `<domainbackup mode='pull'><incremental>c1</incremental>${server}${disks}</domainbackup>`,
    checkpoint: "<domaincheckpoint><name>c3</name><disks><disk name='vdb' checkpoint='no'/></disks></domaincheckpoint>",
  };
}

function definitionOf(place: string): string {
  const disk = (format: string, target: string): string =>
    `<disk type='file'><driver name='qemu' type='${format}'/><source file='${join(place, target)}.${format}'/><target dev='${target}' bus='virtio'/></disk>`;
  return `<domain type='qemu'><name>web</name><uuid>00000000-0000-4000-8000-000000000009</uuid>
    <memory unit='MiB'>16</memory><os><type arch='x86_64' machine='pc'>hvm</type></os>
    <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>${disk("qcow2", "vda")}${disk("raw", "vdb")}
    <memballoon model='none'/></devices></domain>`;
}

suite("the verbs of the command, for a guest of QEMU that runs", { skip, timeout: 120_000 }, () => {
  const pair = new VirshPair((socket) => `qemu+unix:///session?socket=${socket}`);
  before(async () => {
    await pair.start();
    for (const place of [pair.directoryOf("virsh"), pair.directoryOf("ours")]) {
      for (const [name, xml] of Object.entries(filesOf(place))) writeFileSync(join(place, `${name}.xml`), xml);
      const disk = join(place, "vda.qcow2");
      execFileSync("/usr/bin/qemu-img", ["create", "-q", "-f", "qcow2", disk, "64M"]);
      // Not of holes alone: those are copied at once.
      const bytes = join(place, "vdb.raw");
      writeFileSync(bytes, Buffer.alloc(8 << 20, "virtwright"));
      const user = process.getuid?.() === 0 ? ["nobody:nogroup"] : [];
      if (user.length > 0) execFileSync("chown", [...user, disk, bytes]);
    }
  });
  after(async () => {
    for (const connection of pair.held) {
      const guest = await connection.domain("web").catch(() => undefined);
      await guest?.destroy().catch(() => undefined);
    }
    await pair.stop();
  });

  for (const [index, line] of lines.entries()) test(`${index + 1}: ${line}`, () => pair.compare(line));

  test("say that a job was aborted by somebody else", async () => {
    const args = ["blockcopy", "web", "vdb", "SIDE", "--pivot", "--bandwidth", "1", "--transient-job"];
    const at = (who: "virsh" | "ours") => args.map((arg) => arg.replace("SIDE", join(pair.directoryOf(who), "d.img")));
    const both = Promise.all([pair.virsh(at("virsh")), pair.ours(at("ours"))]);
    for (const connection of pair.held) {
      const guest = await connection.domain("web");
      while ((await guest.getBlockJobInfo("vdb")).found === 0) await setTimeout(20);
      await guest.blockJobAbort("vdb");
    }
    const aborted: Answer = { status: 1, out: "\nCopy aborted\n", error: "" };
    assert.deepEqual(await both, [aborted, aborted]);
  });

  for (const [index, line] of backupLines.entries())
    test(`${lines.length + index + 1}: ${line}`, () => pair.compare(line));
});
