import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { DriverProcedures } from "../../../src/driver/driver.ts";
import { HostRunRecords } from "../../../src/driver/objects/host-run-records.ts";
import { bootId, RunRecords } from "../../../src/driver/qemu/run-record.ts";
import { beginImage, completeImage } from "../../../src/driver/qemu/save-image.ts";
import { RunRecords as XenRunRecords } from "../../../src/driver/xen/run-record.ts";
import { beginImage as beginXenImage } from "../../../src/driver/xen/save-image.ts";
import type { Loop } from "../../../src/event/index.ts";
import { Definition, RecordStore } from "../../../src/model/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import { caller, definition, fixtureBoot, openQemu, openTest, openXen, placesIn, uuids } from "./state-world.ts";

/**
 *     node test/driver/state/write-state.ts DIRECTORY
 *
 * writes what a daemon of this version leaves on the disk. To be run once for each new format, into `format-N` beside this file:
 * what older versions have written stays there, and is loaded by the tests for ever.
 */
const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("say into which directory, which must not be there yet");
const root = mkdtempSync(join(tmpdir(), "virtwright-state-"));
const loop = openLoop();
try {
  await writeQemu(loop);
  await writeXen(loop);
  await writeTest(loop);
  tidy(root);
  cpSync(root, resolve(directory), { recursive: true, errorOnExist: true, force: false, verbatimSymlinks: true });
} finally {
  await loop.close();
  rmSync(root, { recursive: true });
}

function warn(error: unknown): void {
  process.stderr.write(`${String(error)}\n`);
}

/** Only what is there is called. */
function all(procedures: DriverProcedures): Required<DriverProcedures> {
  return procedures as Required<DriverProcedures>;
}

async function writeQemu(on: Loop): Promise<void> {
  const places = placesIn(root);
  const driver = await openQemu(on, root, warn);
  const calls = all(driver.procedures);
  const context = caller();
  for (const [name, uuid] of [
    ["saved", uuids.guest],
    ["running", uuids.running],
  ] as const) {
    const { dom } = await calls.domainDefineXmlFlags({ xml: definition("qemu", name, uuid), flags: 0 }, context);
    await calls.domainSetAutostart({ dom, autostart: 1 }, context);
  }
  const secretXml = `<secret ephemeral='no' private='no'><uuid>${uuids.secret}</uuid><usage type='volume'><volume>/v</volume></usage></secret>`;
  const { secret } = await calls.secretDefineXml({ xml: secretXml, flags: 0 }, context);
  await calls.secretSetValue({ secret, value: Buffer.from("a value"), flags: 0 }, context);
  const networkXml = `<network><name>kept</name><uuid>${uuids.network}</uuid></network>`;
  const { net } = await calls.networkDefineXml({ xml: networkXml }, context);
  await calls.networkSetAutostart({ net, autostart: 1 }, context);
  const poolXml = `<pool type='dir'><name>kept</name><uuid>${uuids.pool}</uuid><target><path>/var/empty</path></target></pool>`;
  await calls.storagePoolDefineXml({ xml: poolXml, flags: 0 }, context);
  await driver.close();

  const running = Definition.restore(readFileSync(join(places.qemu, `${uuids.running}.xml`), "utf8"));
  const records = new RunRecords(places.qemuRun);
  records.write({
    id: 7,
    process: { pid: 4711, startTime: 815 },
    status: { state: 1, reason: 1 },
    definition: running,
    since: 4,
  });
  records.close();
  const saved = readFileSync(join(places.qemu, `${uuids.guest}.xml`), "utf8");
  await using image = await open(join(places.qemu, "save", `${uuids.guest}.save`), "w+");
  await beginImage(image, saved, true);
  await completeImage(image);
  const lent = {
    path: "/nowhere/disk.img",
    device: "1",
    inode: "2",
    before: { uid: 0, gid: 0 },
    owner: { uid: 64055, gid: 64055 },
  };
  const loans = new RecordStore(join(places.qemu, "loans"), ".json");
  await loans.load(() => undefined);
  await loans.save(uuids.running, JSON.stringify({ boot: fixtureBoot, loans: [lent] }));
  const runs = new HostRunRecords(places.poolsRun, fixtureBoot, warn);
  await runs.load();
  await runs.save({ uuid: uuids.pool, phase: "active", xml: poolXml });
}

async function writeXen(on: Loop): Promise<void> {
  const places = placesIn(root);
  const driver = await openXen(on, root, warn);
  const xml = definition("xen", "saved", uuids.xen);
  const { dom } = await all(driver.procedures).domainDefineXmlFlags({ xml, flags: 0 }, caller());
  await all(driver.procedures).domainSetAutostart({ dom, autostart: 1 }, caller());
  await driver.close();
  const kept = readFileSync(join(places.xen, `${uuids.xen}.xml`), "utf8");
  await beginXenImage(join(places.xen, "save", `${uuids.xen}.save`), kept);
  const records = new XenRunRecords(places.xenRun);
  const gone = Definition.parse(definition("xen", "gone", uuids.running));
  records.write({ id: 9, status: { state: 1, reason: 1 }, definition: gone, since: 1 });
  records.close();
}

async function writeTest(on: Loop): Promise<void> {
  const { driver, procedures } = await openTest(on, root, warn);
  const xml = definition("test", "simulated", uuids.simulated);
  const { dom } = await all(procedures).domainDefineXmlFlags({ xml, flags: 0 }, caller());
  await all(procedures).domainSetAutostart({ dom, autostart: 1 }, caller());
  await driver.close();
}

/** What goes with the machine, or is no state; of another boot than any. */
function tidy(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const each = join(path, entry.name);
    if (entry.isDirectory() && ["log", "cache"].includes(entry.name)) rmSync(each, { recursive: true });
    else if (entry.isDirectory()) {
      tidy(each);
      if (readdirSync(each).length === 0) rmSync(each, { recursive: true });
    } else if (entry.isSocket() || entry.name === "lock") rmSync(each);
    else if (entry.isFile() && /\.json$|autostarted$/.test(entry.name))
      writeFileSync(each, readFileSync(each, "utf8").replaceAll(bootId(), fixtureBoot));
  }
  mkdirSync(path, { recursive: true });
}
