import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { AdminServer, type LogControl } from "../../../src/daemon/index.ts";
import { admin, remote } from "../../../src/protocol/index.ts";
import { Connection, clientOf, pairInMemory } from "../../../src/rpc/index.ts";
import { Serving } from "../serving.ts";

const own = { uid: process.getuid?.() ?? 0, gid: 0, pid: 1 };

function administer(serving: Serving, log: Partial<LogControl> = {}) {
  const told: string[] = [];
  const control: LogControl = { filters: "", outputs: "3:stderr", setFilters: () => {}, setOutputs: () => {}, ...log };
  const server = new AdminServer(serving.world.loop, {
    daemon: serving.daemon,
    log: control,
    renewTls: () => told.push("tls"),
    setTimeout: (seconds) => told.push(`timeout ${seconds}`),
    shutDown: () => told.push("end"),
  });
  const connect = (identity = own) => {
    const [near, far] = pairInMemory(serving.world.loop);
    server.accept(near, identity);
    const connection = new Connection(serving.world.loop, far);
    const closed: unknown[] = [];
    connection.open({ onClose: (cause) => closed.push(cause) });
    return { call: clientOf(connection, admin), connection, closed };
  };
  return { server, told, connect };
}

suite("the administration", () => {
  test("lets in root and the daemon's own user, and nobody else", () => {
    const serving = new Serving();
    const { connect } = administer(serving);
    const [stranger, root, self] = [connect({ ...own, uid: 54_321 }), connect({ ...own, uid: 0 }), connect()];
    serving.world.run();
    assert.deepEqual(
      [stranger, root, self].map(({ closed }) => closed.length),
      [1, 0, 0],
    );
  });

  test("answers nothing before its session is open, and no other program", async () => {
    const serving = new Serving();
    const { connect } = administer(serving);
    const { call, connection } = connect();
    await assert.rejects(serving.settle(call.connectListServers({ needResults: 1, flags: 0 })), {
      message: "internal error: no admin connection",
    });
    await serving.settle(call.connectOpen({ flags: 0 }));
    await assert.rejects(serving.settle(call.connectOpen({ flags: 0 })), {
      message: "internal error: connection already open",
    });
    await assert.rejects(serving.settle(clientOf(connection, remote).connectGetHostname({})), {
      message: "Cannot find program 536903814 version 1",
    });
  });

  test("has no session with who opens none within 30 s", () => {
    const serving = new Serving();
    const { connect } = administer(serving);
    const { closed } = connect();
    serving.world.pass(31_000);
    assert.equal(closed.length, 1);
  });

  test("tells who is connected, ends a connection, and says so in the log", async () => {
    const serving = new Serving();
    const { connect } = administer(serving);
    const client = serving.connect({ door: "tls", certificate: "CN=alice", address: "192.0.2.1:5" });
    const { call } = connect();
    await serving.settle(call.connectOpen({ flags: 0 }));
    const srv = { name: "libvirtd" };
    const { clients } = await serving.settle(call.serverListClients({ srv, needResults: 1, flags: 0 }));
    assert.deepEqual(
      clients.map(({ id, transport }) => [id, transport]),
      [[1n, 2]],
    );
    const [clnt] = clients;
    assert.ok(clnt !== undefined);
    const { params } = await serving.settle(call.clientGetInfo({ clnt, flags: 0 }));
    assert.deepEqual(
      params.map(({ field, value }) => [field, value.value]),
      [
        ["readonly", false],
        ["sock_addr", "192.0.2.1:5"],
        ["x509_dname", "CN=alice"],
      ],
    );
    await serving.settle(call.clientClose({ clnt, flags: 0 }));
    serving.world.run();
    assert.equal(client.closed.length, 1);
    assert.ok(serving.log.some(({ message }) => message === "dropped: it was disconnected by the administrator"));
  });

  test("changes limits that then hold", async () => {
    const serving = new Serving();
    const { connect } = administer(serving);
    const { call } = connect();
    await serving.settle(call.connectOpen({ flags: 0 }));
    const uint = (field: string, value: number) => ({ field, value: { type: "uint", value } }) as const;
    const params = [uint("nclients_max", 1), uint("nclients_unauth_max", 1)];
    await serving.settle(call.serverSetClientLimits({ srv: { name: "libvirtd" }, params, flags: 0 }));
    const [first, second] = [serving.connect(), serving.connect()];
    serving.world.run();
    assert.deepEqual([first.closed.length, second.closed.length], [0, 1]);
    const wrong = [{ field: "nclients_max", value: { type: "string", value: "many" } }] as const;
    await assert.rejects(
      serving.settle(call.serverSetClientLimits({ srv: { name: "libvirtd" }, params: wrong, flags: 0 })),
      { code: 8 },
    );
  });

  test("hands on what is the daemon's owner's to do", async () => {
    const serving = new Serving();
    const fail = (): never => {
      throw new RangeError("Malformed format for filter 'x'");
    };
    const { connect, told } = administer(serving, { setFilters: fail });
    const { call } = connect();
    await serving.settle(call.connectOpen({ flags: 0 }));
    await serving.settle(call.connectSetDaemonTimeout({ timeout: 5, flags: 0 }));
    await serving.settle(call.connectDaemonShutdown({ flags: 0 }));
    assert.deepEqual(told, ["timeout 5", "end"]);
    await assert.rejects(serving.settle(call.connectSetLoggingFilters({ filters: "x", flags: 0 })), {
      message: "invalid argument: Malformed format for filter 'x'",
    });
    await assert.rejects(serving.settle(call.serverUpdateTlsFiles({ srv: { name: "libvirtd" }, flags: 0 })), {
      message: "internal error: no tls service found, unable to update tls files",
    });
  });
});
