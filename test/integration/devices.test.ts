import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Daemon } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import type { Loop } from "../../src/event/index.ts";
import { connectUnix, openLoop } from "../../src/os/index.ts";
import { remote } from "../../src/protocol/index.ts";
import { Connection, clientOf } from "../../src/rpc/index.ts";

const virsh = "/usr/bin/virsh";
const mac = "52:54:00:11:22:33";
const definition =
  "<domain type='test'><name>small</name><memory>1024</memory><os><type>hvm</type></os><devices>" +
  "<disk type='file' device='cdrom'><target dev='hdc'/></disk></devices></domain>";

describe("virsh", { timeout: 60_000, skip: !existsSync(virsh) && `missing: ${virsh}` }, () => {
  let directory: string;
  let path: string;
  let loop: Loop;
  let driver: TestDriver;
  let daemon: Daemon;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "devices-"));
    path = join(directory, "sock");
    loop = openLoop();
    driver = new TestDriver(loop);
    daemon = new Daemon(loop, { drivers: [driver] });
    daemon.listen({ path });
    const connection = new Connection(loop, connectUnix(loop, path));
    connection.open({ onClose: () => {} });
    const call = clientOf(connection, remote);
    await call.authList({});
    await call.connectOpen({ name: "test:///default", flags: 0 });
    const { dom } = await call.domainDefineXml({ xml: definition });
    await call.domainCreate({ dom });
    connection.close();
  });

  afterEach(async () => {
    await daemon.close();
    await driver.close();
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  const uri = (): string => `test+unix:///default?socket=${path}`;

  /** What it shows; rejects when it fails. */
  async function run(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile(virsh, ["-c", uri(), ...line.split(" ")], { timeout: 20_000 }, (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(`${line}: ${stderr}`)),
      );
    });
  }

  it("attaches and detaches disks and interfaces, and any other device", async () => {
    await run("attach-disk small /b.img vdb --persistent");
    await run(`attach-interface small network default --mac ${mac} --live --config`);
    assert.match(await run("domblklist small --inactive"), /vdb +\/b\.img/);
    assert.match(await run("domiflist small"), new RegExp(mac));
    await assert.rejects(run("attach-disk small /c.img vdb"), /target vdb already exists/);
    await run(`domif-setlink small ${mac} down`);
    assert.match(await run(`domif-getlink small ${mac}`), /down/);
    await run("detach-disk small vdb --persistent");
    await run(`detach-interface small network --mac ${mac} --persistent`);
    assert.doesNotMatch(await run("domblklist small --inactive"), /vdb/);
    assert.doesNotMatch(await run("domiflist small"), new RegExp(mac));
    const file = join(directory, "rng.xml");
    writeFileSync(file, "<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>");
    for (const how of ["--live", "--config", "--persistent"]) {
      await run(`attach-device small ${file} ${how}`);
      await run(`detach-device small ${file} ${how}`);
    }
    assert.doesNotMatch(await run("dumpxml small"), /rng/);
  });

  it("changes the medium of a drive", async () => {
    await run("change-media small hdc /a.iso --insert");
    assert.match(await run("domblklist small"), /hdc +\/a\.iso/);
    await run("change-media small hdc --eject");
    assert.match(await run("domblklist small"), /hdc +-/);
  });

  it("hears of a device that is attached", async () => {
    const listener = spawn(virsh, ["-c", uri(), "event", "--event", "device-added", "--timeout", "20"]);
    const closed = once(listener, "close");
    let seen = "";
    listener.stdout.on("data", (bytes: Buffer) => {
      seen += bytes.toString();
    });
    try {
      // It says nothing when it has begun to listen: each attempt is another chance to be heard.
      for (let tries = 0; tries < 10 && listener.exitCode === null; tries++) {
        await run("attach-disk small /b.img vdb --live");
        await run("detach-disk small vdb --live");
      }
      await closed;
      assert.match(seen, /device-added' for domain 'small': virtio-disk1/);
    } finally {
      listener.kill();
    }
  });
});
