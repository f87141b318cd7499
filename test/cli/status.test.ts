import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { askStatus } from "../../src/cli/status.ts";
import { AdminServer, Daemon } from "../../src/daemon/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { pairInMemory } from "../../src/rpc/index.ts";

test("a daemon says who is connected, how many may be, and where its log goes", async () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-status-"));
  const path = join(directory, "admin");
  await using loop = openLoop();
  await using daemon = new Daemon(loop, { drivers: [] });
  const nothing = (): void => {};
  const log = { filters: "1:*rpc* ", outputs: "3:stderr", setFilters: nothing, setOutputs: nothing };
  await using server = new AdminServer(loop, {
    daemon,
    log,
    renewTls: nothing,
    setTimeout: nothing,
    shutDown: nothing,
  });
  server.listen(path, {});
  const [near] = pairInMemory(loop);
  daemon.accept(near, { door: "tls", certificate: "CN=alice", address: "192.0.2.1:5" });
  const { clients, limits, logFilters, logOutputs } = await askStatus(path);
  assert.deepEqual(
    clients.map(({ id, who }) => ({ id, who })),
    [{ id: 1, who: { readonly: false, sock_addr: "192.0.2.1:5", x509_dname: "CN=alice" } }],
  );
  assert.deepEqual(limits, { nclients_max: 5_000, nclients: 1, nclients_unauth_max: 20, nclients_unauth: 0 });
  assert.deepEqual([logFilters, logOutputs], ["1:*rpc* ", "3:stderr"]);
  rmSync(directory, { recursive: true });
});
