import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Admin } from "../../src/client/index.ts";
import { AdminServer as Administration, type LogControl } from "../../src/daemon/index.ts";
import { ErrorCode } from "../../src/protocol/index.ts";
import { pairInMemory } from "../../src/rpc/index.ts";
import { Serving } from "../daemon/serving.ts";

/** A daemon in memory with an administration, which this process's own user is. */
async function setUp(log: Partial<LogControl> = {}) {
  const serving = new Serving();
  const { loop } = serving.world;
  const told: string[] = [];
  const control: LogControl = { filters: "", outputs: "3:stderr", setFilters: () => {}, setOutputs: () => {}, ...log };
  const administration = new Administration(loop, {
    daemon: serving.daemon,
    log: control,
    renewTls: () => told.push("tls"),
    setTimeout: (seconds) => told.push(`timeout ${seconds}`),
    shutDown: () => told.push("end"),
  });
  const connect = async () => {
    const [near, far] = pairInMemory(loop);
    administration.accept(near, { uid: process.getuid?.() ?? 0, gid: 0, pid: 1 });
    return far;
  };
  const admin = await serving.settle(Admin.open({ loop, name: null, connect }));
  return { serving, admin, told };
}

suite("a daemon's administration", () => {
  test("tells its servers, and who is connected to them", async () => {
    const { serving, admin } = await setUp();
    serving.connect({ door: "tls", certificate: "CN=alice", address: "192.0.2.1:5" });
    const servers = await serving.settle(admin.servers());
    assert.deepEqual(
      servers.map(({ name }) => name),
      ["libvirtd", "admin"],
    );
    const server = await serving.settle(admin.server("libvirtd"));
    const [client] = await serving.settle(server.clients());
    assert.deepEqual([client?.id, client?.transport], [1n, "tls"]);
    const same = await serving.settle(server.client(1));
    assert.deepEqual(await serving.settle(same.info()), {
      readonly: false,
      sock_addr: "192.0.2.1:5",
      x509_dname: "CN=alice",
    });
    await serving.settle(same.close());
    assert.deepEqual(await serving.settle(server.clients()), []);
    await assert.rejects(serving.settle(server.client(1)), { code: ErrorCode.noClient });
    await assert.rejects(serving.settle(admin.server("nobody")), { code: ErrorCode.noServer });
  });

  test("limits clients and workers", async () => {
    const { serving, admin } = await setUp();
    const server = await serving.settle(admin.server("libvirtd"));
    await serving.settle(server.setLimits({ maxClients: 77, maxAnonymous: 7 }));
    const limits = await serving.settle(server.limits());
    assert.deepEqual(limits, { maxClients: 77, clients: 0, maxAnonymous: 7, anonymous: 0 });
    await serving.settle(server.setThreadPool({ maxWorkers: 33 }));
    assert.equal((await serving.settle(server.threadPool())).maxWorkers, 33);
  });

  test("says what the log has, and how long the daemon waits for clients", async () => {
    const set: string[] = [];
    const setFilters = (text: string): void => void set.push(text);
    const { serving, admin, told } = await setUp({ filters: "1:daemon", setFilters });
    assert.deepEqual(
      [await serving.settle(admin.logFilters()), await serving.settle(admin.logOutputs())],
      ["1:daemon", "3:stderr"],
    );
    await serving.settle(admin.setLogFilters("3:qemu"));
    await serving.settle(admin.setLogFilters(undefined));
    assert.deepEqual(set, ["3:qemu", ""]);
    await serving.settle(admin.setDaemonTimeout(30));
    await serving.settle(admin.shutDownDaemon());
    assert.deepEqual(told, ["timeout 30", "end"]);
  });

  test("is closed once, and a call then rejects", async () => {
    const { admin } = await setUp();
    const closing = admin.close();
    await assert.rejects(admin.servers());
    await admin.close();
    void closing;
  });
});
