import assert from "node:assert/strict";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { DriverProcedures } from "../../../src/driver/driver.ts";
import { bootId } from "../../../src/driver/qemu/run-record.ts";
import { savesByUuid } from "../../../src/driver/xen/state-steps.ts";
import { type Loop, StateError } from "../../../src/event/index.ts";
import { type StatePlace, upgradeFormats } from "../../../src/model/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import { VirError } from "../../../src/protocol/index.ts";
import { seededRandom } from "../../../src/testkit/index.ts";
import { FaultyFiles } from "../../model/faulty-files.ts";
import { HandLoop } from "../../qmp/hand-host.ts";
import { caller, definition, openQemu, openTest, openXen, type Places, placesIn, uuids } from "./state-world.ts";

const fixtures = readdirSync(import.meta.dirname).filter((name) => /^format-\d+$/.test(name));
const present = 1;

/** A copy, on a machine on which what starts by itself has been started. */
function copyOf(context: TestContext, fixture: string): string {
  const root = mkdtempSync(join(tmpdir(), "virtwright-state-"));
  context.after(() => rmSync(root, { recursive: true }));
  cpSync(join(import.meta.dirname, fixture), root, { recursive: true, verbatimSymlinks: true });
  const places = placesIn(root);
  for (const each of [places.qemuRun, places.networksRun, places.xenRun]) {
    mkdirSync(each, { recursive: true });
    writeFileSync(join(each, "autostarted"), bootId());
  }
  return root;
}

function onLoop(context: TestContext): Loop {
  const loop = openLoop();
  context.after(() => loop.close());
  return loop;
}

function all(procedures: DriverProcedures): Required<DriverProcedures> {
  return procedures as Required<DriverProcedures>;
}

function unexpected(error: unknown): never {
  throw error;
}

/** What there is, by name: contents and where links lead. */
function tree(path: string, prefix = ""): Record<string, string> {
  const entries = readdirSync(path, { withFileTypes: true }).map((entry): [string, string][] => {
    const [each, name] = [join(path, entry.name), `${prefix}${entry.name}`];
    if (entry.isDirectory()) return [[`${name}/`, ""], ...Object.entries(tree(each, `${name}/`))];
    return [[name, entry.isSymbolicLink() ? readlinkSync(each) : readFileSync(each, "latin1")]];
  });
  return Object.fromEntries(entries.flat());
}

function formatIn(directory: string): string {
  return readFileSync(join(directory, "format"), "utf8");
}

async function namesOf(procedures: DriverProcedures): Promise<string[]> {
  const { domains } = await all(procedures).connectListAllDomains({ needResults: 1, flags: 0 }, caller());
  return domains.map(({ name }) => name).sort();
}

for (const fixture of fixtures) {
  test(`what is on the disk of QEMU's driver in ${fixture} is taken up whole`, async (context) => {
    const root = copyOf(context, fixture);
    const warnings: unknown[] = [];
    const driver = await openQemu(onLoop(context), root, (warning) => warnings.push(String(warning)));
    const calls = all(driver.procedures);
    assert.deepEqual(await namesOf(driver.procedures), ["running", "saved"]);
    const { dom } = await calls.domainLookupByUuid({ uuid: uuids.guest }, caller());
    assert.deepEqual(await calls.domainGetAutostart({ dom }, caller()), { autostart: 1 });
    assert.deepEqual(await calls.domainHasManagedSaveImage({ dom, flags: 0 }, caller()), { result: 1 });
    const { dom: ended } = await calls.domainLookupByUuid({ uuid: uuids.running }, caller());
    assert.deepEqual((await calls.domainGetState({ dom: ended, flags: 0 }, caller())).state, 5, "another boot ran it");
    const { secret } = await calls.secretLookupByUuid({ uuid: uuids.secret }, caller());
    const { value } = await calls.secretGetValue({ secret, flags: 0 }, caller());
    assert.equal(Buffer.from(value).toString(), "a value");
    const { nets } = await calls.connectListAllNetworks({ needResults: 1, flags: 0 }, caller());
    const { pools } = await calls.connectListAllStoragePools({ needResults: 1, flags: 0 }, caller());
    assert.deepEqual([nets.map(({ uuid }) => uuid), pools.map(({ uuid }) => uuid)], [[uuids.network], [uuids.pool]]);
    const { events, gap } = driver.journal.after(driver.journal.cursorAt(0));
    assert.deepEqual([events.slice(0, 2).map(({ event }) => event.name), gap], [["lifecycle", "lifecycle"], undefined]);
    await driver.close();
    assert.deepEqual(warnings, []);
    assert.deepEqual(readdirSync(join(placesIn(root).qemu, "loans")), [], "what was lent is nowhere by now");
    const { qemu, qemuRun, networks, networksRun, pools: poolDirectory, poolsRun } = placesIn(root);
    for (const each of [qemu, qemuRun, networks, networksRun, poolDirectory, poolsRun])
      assert.equal(formatIn(each), `virtwright ${present}\n`);
  });

  test(`what is on the disk of Xen's driver in ${fixture} is taken up whole`, async (context) => {
    const root = copyOf(context, fixture);
    const driver = await openXen(onLoop(context), root, unexpected);
    const calls = all(driver.procedures);
    assert.deepEqual(await namesOf(driver.procedures), ["Domain-0", "saved"]);
    const { dom } = await calls.domainLookupByUuid({ uuid: uuids.xen }, caller());
    assert.deepEqual(await calls.domainGetAutostart({ dom }, caller()), { autostart: 1 });
    assert.deepEqual(await calls.domainHasManagedSaveImage({ dom, flags: 0 }, caller()), { result: 1 });
    assert.match((await calls.domainManagedSaveGetXmlDesc({ dom, flags: 0 }, caller())).xml, /<name>saved</);
    await driver.close();
    assert.equal(formatIn(placesIn(root).xen), `virtwright ${present}\n`);
  });

  test(`what is on the disk of the test driver in ${fixture} is taken up whole`, async (context) => {
    const root = copyOf(context, fixture);
    const { driver, procedures } = await openTest(onLoop(context), root, unexpected);
    assert.deepEqual(await namesOf(procedures), ["simulated", "test"]);
    const { dom } = await all(procedures).domainLookupByUuid({ uuid: uuids.simulated }, caller());
    assert.deepEqual(await all(procedures).domainGetAutostart({ dom }, caller()), { autostart: 1 });
    await driver.close();
    assert.equal(formatIn(placesIn(root).test), `virtwright ${present}\n`);
  });
}

test("a managed image of a newer form keeps its guest from starting, and stays", async (context) => {
  const root = copyOf(context, "format-1");
  const path = join(placesIn(root).qemu, "save", `${uuids.guest}.save`);
  const image = readFileSync(path);
  const version = 16;
  image[version] = 3;
  writeFileSync(path, image);
  const driver = await openQemu(onLoop(context), root, unexpected);
  const { dom } = await all(driver.procedures).domainLookupByUuid({ uuid: uuids.guest }, caller());
  await assert.rejects(async () => all(driver.procedures).domainCreate({ dom }, caller()), {
    message: "operation failed: image version is not supported (3 > 2)",
  });
  await driver.close();
  assert.deepEqual(readFileSync(path), image);
});

test("a domain of Xen's that gets another name keeps its managed image", async (context) => {
  const driver = await openXen(onLoop(context), copyOf(context, "format-0"), unexpected);
  const calls = all(driver.procedures);
  const { dom } = await calls.domainLookupByUuid({ uuid: uuids.xen }, caller());
  await calls.domainRename({ dom, newName: "renamed", flags: 0 }, caller());
  const { dom: other } = await calls.domainDefineXmlFlags(
    { xml: definition("xen", "saved", uuids.guest), flags: 0 },
    caller(),
  );
  const itsOwn = await calls.domainHasManagedSaveImage({ dom, flags: 0 }, caller());
  const others = await calls.domainHasManagedSaveImage({ dom: other, flags: 0 }, caller());
  assert.deepEqual([itsOwn, others], [{ result: 1 }, { result: 0 }]);
  await driver.close();
});

const opening: Readonly<Record<keyof Places, typeof openQemu | typeof openXen>> = {
  qemu: openQemu,
  qemuRun: openQemu,
  networks: openQemu,
  networksRun: openQemu,
  pools: openQemu,
  poolsRun: openQemu,
  xen: openXen,
  xenRun: openXen,
  test: async (...options) => (await openTest(...options)).driver as never,
};

for (const which of Object.keys(opening) as (keyof Places)[])
  test(`a newer version's directory ${which} is refused, by name, and nothing of any is changed`, async (context) => {
    const root = copyOf(context, "format-0");
    const directory = placesIn(root)[which];
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "format"), `virtwright ${present + 1}\n`);
    for (const each of Object.values(placesIn(root))) mkdirSync(each as string, { recursive: true });
    if (which === "test") writeFileSync(join(directory, "lock"), "");
    const before = tree(root);
    const message = new RegExp(
      `${join(directory, "format")} says format 2, and this version knows formats up to 1: use the version that has written it`,
    );
    await assert.rejects(opening[which](onLoop(context), root, unexpected), (error: Error) => {
      assert.ok(which === "test" ? error instanceof VirError : error instanceof StateError);
      assert.match(error.message, message);
      return true;
    });
    assert.deepEqual(tree(root), before);
  });

test("a file that does not say which format it is about is refused as well", async (context) => {
  const root = copyOf(context, "format-0");
  writeFileSync(join(placesIn(root).qemu, "format"), "two\n");
  await assert.rejects(openQemu(onLoop(context), root, unexpected), /put back what was there, a line "virtwright 1"/);
});

/** Xen's directory of the first fixture, on a disk that fails. */
function faultyXen(): {
  readonly files: FaultyFiles;
  readonly place: StatePlace;
  readonly truth: Record<string, string>;
} {
  const truth = tree(placesIn(join(import.meta.dirname, "format-0")).xen);
  const files = new FaultyFiles();
  for (const [name, text] of Object.entries(truth)) {
    const [file = "", directory] = name.split("/").reverse();
    if (file === "") continue;
    (directory === undefined ? files : files.within(directory)).put(file, text);
  }
  return { files, place: { files, steps: [savesByUuid] }, truth };
}

async function operationsOfAll(): Promise<number> {
  const { files, place } = faultyXen();
  await upgradeFormats([place]);
  return files.operations;
}

test("an upgrade that is cut off anywhere loses nothing, and is completed the next time", async () => {
  const hand = new HandLoop();
  for (let crashAt = 0; crashAt < (await operationsOfAll()); crashAt++)
    for (let seed = 0; seed < 12; seed++) {
      const { files, place, truth } = faultyXen();
      files.crashAt = crashAt;
      upgradeFormats([place]).catch(assert.fail);
      await hand.settle();
      files.crash(chooser(seed));
      const saves = files.within("save");
      const [old, next] = ["saved.save", `${uuids.xen}.save`];
      const [image = "", ...more] = saves.names;
      assert.deepEqual([[old, next].includes(image), more], [true, []], `cut off at ${crashAt}, seed ${seed}`);
      await upgradeFormats([place]);
      files.crash(() => 0);
      assert.deepEqual(saves.names, [next]);
      assert.equal(saves.text(next), truth["save/saved.save"]);
      assert.equal(files.text("format"), "virtwright 1\n");
      assert.equal(files.text(`${uuids.xen}.xml`), truth[`${uuids.xen}.xml`]);
    }
});

test("an upgrade for which the disk has no room says so, and is completed when it has", async () => {
  for (let at = 0; at < (await operationsOfAll()); at++) {
    const { files, place } = faultyXen();
    files.faultAt = (operation) => (operation === at ? "ENOSPC" : undefined);
    await assert.rejects(upgradeFormats([place]), /ENOSPC/, `at ${at}`);
    files.crash(() => 0);
    await upgradeFormats([place]);
    assert.deepEqual([files.within("save").names, files.text("format")], [[`${uuids.xen}.save`], "virtwright 1\n"]);
  }
});

test("an image that is no guest's of here, or no image, is not given to anybody", async () => {
  const { files, place, truth } = faultyXen();
  const saves = files.within("save");
  const others = truth["save/saved.save"]?.replace(uuids.xen, uuids.guest) ?? "";
  saves.put("stranger.save", others);
  saves.put("broken.save", "no image");
  saves.put(`${uuids.xen}.save`, "its own");
  await upgradeFormats([place]);
  assert.deepEqual(saves.names, [`${uuids.xen}.save`, "broken.save", "saved.save", "stranger.save"].sort());
  assert.equal(saves.text(`${uuids.xen}.save`), "its own");
});

test("a guest that has been called otherwise since gets its image, and who has its name now does not", async () => {
  const { files, place, truth } = faultyXen();
  const [renamed, successor] = [uuids.xen, uuids.running];
  const given = truth[`${renamed}.xml`] ?? "";
  files.put(`${renamed}.xml`, given.replace("<name>saved</name>", "<name>renamed</name>"));
  files.put(`${successor}.xml`, given.replace(renamed, successor));
  await upgradeFormats([place]);
  assert.deepEqual(files.within("save").names, [`${renamed}.save`]);
});

test("what a later step has to do begins where the last one has ended", async () => {
  const { files } = faultyXen();
  const done: string[] = [];
  const step = (name: string) => async (): Promise<void> => void done.push(name);
  await upgradeFormats([{ files, steps: [step("one"), step("two")] }]);
  await upgradeFormats([{ files, steps: [step("one"), step("two"), step("three")] }]);
  assert.deepEqual([done, files.text("format")], [["one", "two", "three"], "virtwright 3\n"]);
});

/** Of what was not synced: nothing, all, or by chance. */
function chooser(seed: number): (bound: number) => number {
  if (seed === 0) return () => 0;
  if (seed === 1) return (bound) => bound - 1;
  const random = seededRandom(seed);
  return (bound) => Math.floor(random() * bound);
}
