import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Daemon, type LogEntry } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { desktopPrograms } from "./clients/desktop.ts";
import type { RecordedCall } from "./clients/proxy.ts";
import { Scene, virtManager } from "./clients/scene.ts";
import { beginningOf, differencesOf, lineOf, transcriptOf } from "./clients/transcript.ts";
import { libvirtd, Teacher } from "./virsh/teacher.ts";

const missing = [virtManager, libvirtd, ...desktopPrograms].filter((path) => !existsSync(path));
const skip =
  missing.length === 0
    ? false
    : `no ${missing.join(", ")}: apt-get install virt-manager gir1.2-gtk-vnc-2.0 xvfb dbus libvirt-daemon`;

/** It asks this of one device, which is the first of a list without an order, and gives it up. */
function readable(call: RecordedCall): string {
  return call.name === "nodeDeviceIsActive" ? call.name : lineOf(call);
}

/** It refreshes a pool when it has found out about it, which may be sooner before one of the two, or be left out. */
const inItsOwnTime = /^storagePool(Event)?Refresh /;

const hypervisor = "test:///default";
const second = "<network><name>second</name><uuid>11111111-2222-3333-4444-555555555555</uuid></network>";
const pool = `<pool type='dir'><name>second</name><uuid>11111111-2222-3333-4444-666666666666</uuid>
  <target><path>/second</path></target></pool>`;
const volume = "<volume><name>disk</name><capacity unit='MiB'>1</capacity></volume>";
const small = `<domain type='test'><name>small</name><uuid>11111111-2222-3333-4444-777777777777</uuid>
  <memory>65536</memory><os><type>hvm</type></os></domain>`;
const adapter = `<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'>
  <wwnn>2000000012341299</wwnn><wwpn>1000000012341299</wwpn></capability></capability></device>`;

describe("virt-manager before libvirt's test hypervisor and ours", { skip, timeout: 90_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-window-"));
  const socket = join(directory, "ours-sock");
  const log: LogEntry[] = [];
  let loop: Loop;
  let teacher: Teacher;
  let driver: TestDriver;
  let daemon: Daemon;
  let agreed = true;
  let theirs: Scene;
  let ours: Scene;

  before(async () => {
    chmodSync(directory, 0o755);
    loop = openLoop();
    teacher = new Teacher(join(directory, "teacher"));
    await teacher.start();
    driver = new TestDriver(loop);
    daemon = new Daemon(loop, { drivers: [driver], log: (entry) => log.push(entry) });
    daemon.listen({ path: socket });
    theirs = new Scene(loop, { directory: join(directory, "theirs"), upstream: teacher.socket, hypervisor });
    ours = new Scene(loop, { directory: join(directory, "ours"), upstream: socket, hypervisor });
    await Promise.all([theirs.open(), ours.open()]);
  });

  after(async () => {
    await Promise.all([theirs.close(), ours.close()]);
    await daemon.close();
    await driver.close();
    await teacher.stop();
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  /** On both sides alike. */
  async function both(act: (scene: Scene) => unknown): Promise<void> {
    await Promise.all([theirs, ours].map((scene) => act(scene)));
  }

  function differences(): string[] {
    const all = differencesOf(transcriptOf(theirs.proxy, readable), transcriptOf(ours.proxy, readable));
    return all.filter((line) => !(inItsOwnTime.test(line) && /: +never$/m.test(line)));
  }

  /** Until both have heard so many of these calls, and there is nothing that one of them alone has heard. */
  async function agree(name: string, count = 1): Promise<void> {
    assert.ok(agreed, "they have parted before");
    agreed = false;
    const isThere = (): boolean => [theirs, ours].every((scene) => scene.count(name) >= count);
    const deadline = performance.now() + 20_000;
    while (!(isThere() && differences().length === 0)) {
      if (performance.now() > deadline) break;
      await sleep(50);
    }
    assert.equal(differences().join("\n"), "");
    assert.ok(
      isThere(),
      `${name}: ${theirs.count(name)} times there, ${ours.count(name)} here, not ${count} within 20 s`,
    );
    agreed = true;
  }

  it("begins with the same calls in the same order", async () => {
    await both((scene) => scene.show("--show-domain-editor", "test"));
    await agree("connectGetDomainCapabilities");
    const last = "connectNodeDeviceEventRegisterAny";
    const [there, here] = [theirs, ours].map(({ proxy }) => beginningOf(proxy, last));
    assert.deepEqual(here, there);
    assert.ok(here !== undefined && here.length > 20, `${here?.length} calls`);
  });

  it("makes the same calls for the host's networks and pools", async () => {
    await both((scene) => scene.show("--show-host-summary"));
    await agree("networkGetAutostart", 3);
  });

  it("makes the same calls to prepare a new guest, and to delete one", async () => {
    await both((scene) => scene.show("--show-domain-creator"));
    await agree("connectGetCapabilities", 2);
    await both((scene) => scene.show("--show-domain-delete", "test"));
    // Two of three: one may be left out.
    await agree("storagePoolRefresh", 2);
  });

  it("hears what others do to networks, pools, devices and domains, and looks at it with the same calls", async () => {
    await both(({ call }) => call.networkCreateXml({ xml: second }));
    await agree("networkGetXmlDesc", 2);
    const known = new Map([theirs, ours].map((scene) => [scene, scene.count("storagePoolGetXmlDesc")]));
    await both(async ({ call }) => {
      const made = await call.storagePoolCreateXml({ xml: pool, flags: 0 });
      await call.storageVolCreateXml({ ...made, xml: volume, flags: 0 });
      await call.storagePoolRefresh({ ...made, flags: 0 });
    });
    await agree("storageVolGetXmlDesc");
    for (const [scene, count] of known) assert.ok(scene.count("storagePoolGetXmlDesc") > count);
    await both(({ call }) => call.nodeDeviceCreateXml({ xmlDesc: adapter, flags: 0 }));
    await agree("nodeDeviceGetXmlDesc", 5);
    await both(({ call }) => call.domainCreateXml({ xmlDesc: small, flags: 0 }));
    await agree("domainGetState", 2);
  });

  it("has seen no error of ours that libvirtd does not give too", () => {
    const errors = ours.proxy.calls.filter(({ outcome }) => outcome !== undefined && "error" in outcome);
    assert.deepEqual(
      new Set(errors.map(({ name }) => name)),
      new Set(["nodeDeviceIsActive", "connectGetDomainCapabilities"]),
    );
  });

  it("leaves our daemon alive, and without complaint", async (test) => {
    await ours.call.connectGetType({});
    assert.deepEqual(
      log.filter(({ level }) => level === "error"),
      [],
    );
    const lines = transcriptOf(ours.proxy, readable);
    test.diagnostic(
      `${ours.proxy.calls.length} calls, ${lines.size} of them different; ${ours.proxy.events.length} events`,
    );
  });
});
