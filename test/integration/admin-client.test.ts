import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type Admin, ErrorCode, open, openAdmin } from "../../src/open/index.ts";
import { libvirtd, Teacher } from "../conformance/virsh/teacher.ts";

const skip = existsSync(libvirtd) ? false : `missing: ${libvirtd} (apt-get install libvirt-daemon)`;
const nobody = 65_534;

suite("the administration of a libvirtd", { skip, timeout: 120_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "vw-admin-client-"));
  let teacher: Teacher;
  before(async () => {
    // For a libvirtd that is nobody.
    chmodSync(directory, 0o755);
    teacher = new Teacher(join(directory, "one"), { withAdmin: true });
    await teacher.start();
  });
  after(async () => {
    await teacher.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  /** libvirtd lets in its own user alone. */
  const openAsItself = async (): Promise<Admin> => {
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) process.seteuid?.(nobody);
    try {
      return await openAdmin(`libvirtd:///session?socket=${teacher.adminSocket}`);
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  };

  test("knows who is connected, and throws them out", async () => {
    await using admin = await openAsItself();
    await using connection = await open(`test+unix:///default?socket=${teacher.socket}`);
    const server = await admin.server("libvirtd");
    const clients = await server.clients();
    assert.deepEqual(
      clients.map(({ transport }) => transport),
      ["unix"],
    );
    const [client] = clients;
    assert.ok(client !== undefined);
    assert.equal((await client.info())["unix_process_id"], process.pid);
    await client.close();
    await assert.rejects(connection.getHostname());
    await assert.rejects(admin.server("nobody"), { code: ErrorCode.noServer });
  });

  test("takes limits, workers and filters, and tells them", async () => {
    await using admin = await openAsItself();
    const server = await admin.server("libvirtd");
    await server.setLimits({ maxClients: 77, maxAnonymous: 7 });
    const { maxClients, maxAnonymous } = await server.limits();
    assert.deepEqual([maxClients, maxAnonymous], [77, 7]);
    await server.setThreadPool({ maxWorkers: 21 });
    assert.equal((await server.threadPool()).maxWorkers, 21);
    await admin.setLogFilters("3:qemu");
    assert.match(await admin.logFilters(), /^3:.*qemu/);
    assert.equal(await admin.libVersion(), 9_000_000n);
  });
});
