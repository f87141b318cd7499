import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type Connection, ErrorCode, open } from "../../src/open/index.ts";
import { libvirtd, Teacher } from "../conformance/virsh/teacher.ts";

const qemu = "/usr/bin/qemu-system-x86_64";
const missing = [libvirtd, qemu].filter((path) => !existsSync(path));
const skip = missing.length > 0 && `missing: ${missing.join(", ")} (apt-get install libvirt-daemon qemu-system-x86)`;
/** Waits for no firmware: its processor stands still. */
const guestXml = `<domain type='qemu'><name>mover</name><uuid>00000000-0000-4000-8000-00000000000a</uuid>
  <memory unit='MiB'>16</memory><vcpu>1</vcpu><os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices><emulator>${qemu}</emulator><memballoon model='none'/></devices></domain>`;

suite("a guest of QEMU that goes from one libvirtd to another", { skip, timeout: 240_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "vw-migration-"));
  const teachers: Teacher[] = [];
  const sides: Connection[] = [];
  const uriOf = ({ socket }: Teacher): string => `qemu+unix:///session?socket=${socket}`;
  before(async () => {
    // For a libvirtd that is nobody.
    chmodSync(directory, 0o755);
    for (const [name, hostUuid] of [
      ["one", "00000000-0000-4000-8000-0000000000b1"],
      ["other", "00000000-0000-4000-8000-0000000000b2"],
    ] as const) {
      const teacher = new Teacher(join(directory, name), { hostUuid });
      teachers.push(teacher);
      await teacher.start();
      sides.push(await open(uriOf(teacher)));
    }
  });
  after(async () => {
    for (const side of sides) {
      const guest = await side.domain("mover").catch(() => undefined);
      await guest?.destroy().catch(() => undefined);
      await side.close();
    }
    for (const teacher of teachers) await teacher.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test("runs there and not here, or here where it cannot", async () => {
    const [here, there] = sides as [Connection, Connection];
    const guest = await here.domainCreateXml(guestXml);
    const flags = ["live", "unsafe"] as const;
    const uri = "tcp://127.0.0.1";
    await assert.rejects(guest.migrate(there, { flags, uri, xml: guestXml.replace(">16<", ">32<") }));
    assert.equal((await guest.status()).state, "running");
    assert.deepEqual(await there.domains(), []);

    const moved = await guest.migrate(there, { flags, uri });
    assert.deepEqual([moved.name, (await moved.status()).state], ["mover", "running"]);
    assert.deepEqual(await here.domains({ flags: "active" }), []);
    await assert.rejects(here.domain("mover"), { code: ErrorCode.noDomain });
  });

  test("is sent by one libvirtd to the other, on the same machine", async () => {
    const [here, there] = sides as [Connection, Connection];
    const guest = await here.domainDefineXml(guestXml.replaceAll("mover", "sent").replace("0a<", "0b<"));
    const flags = ["peer2peer", "offline", "persistDest", "undefineSource"] as const;
    await assert.rejects(guest.migrateToUri("qemu:///session", { flags }), { code: ErrorCode.invalidArg });
    await guest.migrateToUri(uriOf(teachers[1] as Teacher), { flags });
    assert.deepEqual(await here.domains(), []);
    await (await there.domain("sent")).undefine();
  });
});
