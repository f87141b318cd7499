import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { AccessRules, Daemon } from "../../../src/daemon/index.ts";
import { connectUnix, openLoop } from "../../../src/os/index.ts";
import { remote } from "../../../src/protocol/index.ts";
import { Connection, clientOf } from "../../../src/rpc/index.ts";
import { FakeDriver } from "../fake-driver.ts";

const [, group = "", gid = ""] = /^([^:\n]+):[^:\n]*:([1-9]\d*):/m.exec(readFileSync("/etc/group", "utf8")) ?? [];

suite("rules about groups", () => {
  const directory = mkdtempSync(join(tmpdir(), "vw-groups-"));
  after(() => rmSync(directory, { recursive: true, force: true }));

  test("hold for members who came before there were any rules", {
    skip: process.getuid?.() !== 0 && "only root may enter a group",
  }, async (t) => {
    const loop = openLoop();
    const daemon = new Daemon(loop, { drivers: [new FakeDriver()] });
    const path = join(directory, "socket");
    daemon.listen({ path });
    const own = process.getgroups?.() ?? [];
    process.setgroups?.([Number(gid)]);
    const transport = connectUnix(loop, path);
    process.setgroups?.(own);
    const connection = new Connection(loop, transport);
    t.after(async () => {
      connection.close();
      await daemon.close(0);
      await loop.close();
    });
    connection.open({ onClose: () => {} });
    const call = clientOf(connection, remote);
    await call.connectOpen({ name: "fake:///default", flags: 0 });
    assert.deepEqual(daemon.clients()[0]?.principal.groups, [Number(gid)]);
    daemon.rule(new AccessRules([`deny group ${group} *`, "allow anybody *"]));
    await assert.rejects(call.connectGetHostname({}), { code: 88 });
    daemon.rule(new AccessRules(["allow anybody *"]));
    await call.connectGetHostname({});
  });
});
