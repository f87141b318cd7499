import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { HostPool } from "../../../src/driver/storage/host-pool.ts";
import type { HostPools } from "../../../src/driver/storage/host-pools.ts";
import type { HostVolumes } from "../../../src/driver/storage/host-volumes.ts";
import { VolumeFiles } from "../../../src/driver/storage/volume-files.ts";
import { readRequest } from "../../../src/driver/storage/volume-request.ts";
import { ErrorCode } from "../../../src/protocol/index.ts";
import { HandLoop } from "../../qmp/hand-host.ts";
import { FakePrograms } from "./fake-programs.ts";
import { openPools, poolXml } from "./open-pools.ts";

const plain = { preallocate: false, reflink: false };
const volume = (name: string, more = ""): string =>
  `<volume><name>${name}</name><capacity>1024</capacity><allocation>0</allocation>${more}</volume>`;
const qcow2 = "<target><format type='qcow2'/></target>";

describe("storage pools", () => {
  let directory: string;
  let target: string;
  let programs: FakePrograms;
  let hand: HandLoop;
  let events: string[];
  let reported: unknown[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "vw-pool-"));
    target = join(directory, "images");
    programs = new FakePrograms();
    hand = new HandLoop();
    events = [];
    reported = [];
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function open(boot = "boot"): Promise<{ pools: HostPools; volumes: HostVolumes }> {
    return openPools(directory, {
      loop: hand.loop,
      programs,
      boot,
      tell: (event) => events.push("event" in event ? String(event.event) : "refresh"),
      report: (error) => reported.push(error),
    });
  }

  const xml = (name = "p", path = target): string => poolXml(path, name);

  async function openActive(): Promise<{ pools: HostPools; volumes: HostVolumes; pool: HostPool }> {
    const { pools, volumes } = await open();
    await pools.create(xml(), true, {});
    return { pools, volumes, pool: pools.byName("p") };
  }

  it("are defined, built, started, refreshed, stopped, deleted and forgotten, and tell so", async () => {
    const { pools } = await open();
    await pools.define(xml(), {});
    const pool = pools.byName("p");
    await assert.rejects(pools.start(pool, false, {}), /cannot open directory '.*': No such file or directory/);
    await pools.build(pool, {});
    await pools.start(pool, false, {});
    await pools.refresh(pool, {});
    await pools.stop(pool, {});
    await pools.delete(pool, {});
    await pools.undefine(pool, {});
    assert.deepEqual(events, ["0", "4", "2", "refresh", "3", "5", "1"]);
    assert.equal(existsSync(target), false);
    assert.throws(() => pools.byName("p"), { code: ErrorCode.noStoragePool });
  });

  it("are there again with the next daemon, active ones too, but not after a boot", async () => {
    const { pools, volumes, pool } = await openActive();
    await pools.define(xml("q", join(directory, "other")), {});
    await volumes.create(pool, volume("a"), plain, {});
    await pools.close();
    const shown = ({ name, isActive, persistent, volumes: { length } }: HostPool): unknown[] => [
      name,
      isActive,
      persistent,
      length,
    ];
    assert.deepEqual((await open()).pools.all.map(shown), [
      ["q", false, true, 0],
      ["p", true, false, 1],
    ]);
    assert.deepEqual((await open("another boot")).pools.all.map(shown), [["q", false, true, 0]]);
  });

  it("of other types are kept and do not start", async () => {
    const { pools } = await open();
    await pools.define("<pool type='logical'><name>vg</name></pool>", {});
    const pool = pools.byName("vg");
    await assert.rejects(pools.start(pool, false, {}), { code: ErrorCode.configUnsupported });
    await pools.undefine(pool, {});
  });

  it("find files, directories and links, and neither pipes nor what is not there", async () => {
    mkdirSync(join(target, "dir"), { recursive: true });
    writeFileSync(join(target, "file"), "x");
    symlinkSync("file", join(target, "link"));
    symlinkSync("nowhere", join(target, "broken"));
    const { pool } = await openActive();
    assert.deepEqual(
      pool.volumes.map(({ name, type }) => [name, type]),
      [
        ["dir", "dir"],
        ["file", "file"],
        ["link", "file"],
      ],
    );
  });

  it("wait for the work on their volumes before they stop", async () => {
    const { pools, volumes, pool } = await openActive();
    let go = (): void => {};
    programs.gate = new Promise((resolve) => {
      go = resolve;
    });
    const order: string[] = [];
    const making = volumes.create(pool, volume("a", qcow2), plain, {}).then(() => order.push("made"));
    const stopping = pools.stop(pool, {}).then(() => order.push("stopped"));
    const late = volumes.create(pool, volume("b", qcow2), plain, {});
    const refused = assert.rejects(late, { code: ErrorCode.noStoragePool });
    go();
    await Promise.all([making, stopping, refused]);
    assert.deepEqual(order, ["made", "stopped"]);
  });

  it("do not wait for that for ever, nor longer than their caller", async () => {
    const { pools, volumes, pool } = await openActive();
    let go = (): void => {};
    programs.gate = new Promise((resolve) => {
      go = resolve;
    });
    const making = volumes.create(pool, volume("a", qcow2), plain, {});
    const late = assert.rejects(pools.stop(pool, {}), { code: ErrorCode.operationTimeout });
    await hand.settle();
    await hand.pass(30_001, 1000);
    await late;
    const giving = new AbortController();
    const given = assert.rejects(pools.refresh(pool, { signal: giving.signal }), /enough/);
    await hand.settle();
    giving.abort(new Error("enough"));
    await given;
    go();
    await making;
    await pools.stop(pool, {});
    assert.equal(hand.errors.length, 0);
  });

  it("have one volume of a name, whoever asks first", async () => {
    const { volumes, pool } = await openActive();
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => volumes.create(pool, volume("a", qcow2), plain, {})));
    assert.deepEqual(
      outcomes.map((each) => (each.status === "fulfilled" ? "made" : each.reason.code)),
      ["made", ErrorCode.storageVolExist, ErrorCode.storageVolExist],
    );
  });

  it("work on several volumes at once", async () => {
    const { volumes, pool } = await openActive();
    let go = (): void => {};
    programs.gate = new Promise((resolve) => {
      go = resolve;
    });
    const all = ["a", "b", "c"].map((name) => volumes.create(pool, volume(name, qcow2), plain, {}));
    while (programs.commands.length < 3) await new Promise(setImmediate);
    go();
    await Promise.all(all);
  });

  it("leave nothing of a volume whose maker gives up, fails, or is missing", async () => {
    const { pools, volumes, pool } = await openActive();
    programs.gate = new Promise(() => {});
    const giving = new AbortController();
    const made = volumes.create(pool, volume("a", qcow2), plain, { signal: giving.signal });
    while (programs.commands.length === 0) await new Promise(setImmediate);
    assert.deepEqual(readdirSync(target), ["a"]);
    giving.abort(new Error("enough"));
    await assert.rejects(made, /enough/);
    assert.deepEqual(readdirSync(target), []);
    programs.isMissing = true;
    await assert.rejects(volumes.create(pool, volume("a", qcow2), plain, {}), /apt-get install qemu-utils/);
    assert.deepEqual(readdirSync(target), []);
    programs.isMissing = false;
    const last = volumes.create(pool, volume("b", qcow2), plain, {});
    const refused = assert.rejects(last, /the driver is closed/);
    while (programs.commands.length < 2) await new Promise(setImmediate);
    await pools.close();
    await refused;
    assert.deepEqual(readdirSync(target), []);
  });

  it("do not write over a file that has come in between, nor through a link", async () => {
    const { volumes, pool } = await openActive();
    writeFileSync(join(directory, "precious"), "precious");
    symlinkSync(join(directory, "precious"), join(target, "a"));
    writeFileSync(join(target, "b"), "new");
    for (const name of ["a", "b"]) {
      await assert.rejects(volumes.create(pool, volume(name, qcow2), plain, {}), /already exists/);
    }
    assert.deepEqual(programs.commands, []);
  });

  it("do not even do so when it comes in the last moment", async () => {
    const { pool } = await openActive();
    writeFileSync(join(directory, "precious"), "precious");
    symlinkSync(join(directory, "precious"), join(target, "a"));
    symlinkSync(join(directory, "new"), join(target, "b"));
    writeFileSync(join(target, "c"), "new");
    const files = new VolumeFiles(programs);
    for (const name of ["a", "b", "c"]) {
      const request = readRequest(volume(name, qcow2), pool.definition, target);
      await assert.rejects(files.make(request, { preallocate: false }), { code: ErrorCode.operationInvalid }, name);
    }
    assert.deepEqual(programs.commands, []);
    assert.deepEqual(readdirSync(target), ["a", "b", "c"]);
    assert.equal(existsSync(join(directory, "new")), false);
  });

  for (const name of ["../a", "/etc/a", "a/b", "..", ".", "a/../../b"]) {
    it(`have no volume named ${name}`, async () => {
      const { volumes, pool } = await openActive();
      await assert.rejects(volumes.create(pool, volume(name, qcow2), plain, {}), { code: ErrorCode.operationInvalid });
      await assert.rejects(volumes.look({ pool: "p", name }), { code: ErrorCode.noStorageVol });
      await assert.rejects(volumes.remove(pool, name, {}), { code: ErrorCode.noStorageVol });
      assert.deepEqual(programs.commands, []);
    });
  }

  for (const name of [
    "-x",
    "--help",
    "a,b",
    "a=b,c=d",
    "$(id)",
    "`id`",
    "a b",
    "a;b",
    "json:{}",
    "nbd:x",
    "a\nb",
    "%s",
  ]) {
    it(`have a volume named ${JSON.stringify(name)} as one argument, behind the directory`, async () => {
      const { volumes, pool } = await openActive();
      await volumes.create(pool, volume(name, qcow2), plain, {});
      const backing = `<backingStore><path>${name}</path><format type='qcow2'/></backingStore>`;
      await volumes.create(pool, volume("over", qcow2 + backing), plain, {});
      const [made, over] = programs.commands;
      const path = join(target, name);
      assert.deepEqual(made, ["qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=0.10", path, "1024"]);
      assert.deepEqual(over?.slice(7, 11), ["-b", path, "-F", "qcow2"]);
      await volumes.remove(pool, name, {});
      assert.deepEqual(readdirSync(target), ["over"]);
    });
  }

  it("refuse texts of a definition that are no words of qemu-img", async () => {
    const { volumes, pool } = await openActive();
    const target_ = (inner: string): string => `<target><format type='qcow2'/>${inner}</target>`;
    const hostile = [
      target_("<compat>1.1,backing_file=/etc/shadow</compat>"),
      target_("<clusterSize>65536,x=y</clusterSize>"),
      target_("<features><x/></features>"),
      target_("<permissions><mode>7777</mode></permissions>"),
      target_("<permissions><owner>-2</owner></permissions>"),
      "<target><format type='luks'/></target>",
      "<target><format type='raw,x'/></target>",
      `${qcow2}<backingStore><path>/a</path><format type='qcow2,x=y'/></backingStore>`,
    ];
    for (const each of hostile) {
      await assert.rejects(volumes.create(pool, volume("a", each), plain, {}), { name: "VirError" }, each);
    }
    assert.deepEqual(programs.commands, []);
    assert.deepEqual(readdirSync(target), []);
  });
});
