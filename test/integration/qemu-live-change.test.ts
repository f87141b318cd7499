import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Daemon } from "../../src/daemon/index.ts";
import { QemuDriver } from "../../src/driver/qemu/index.ts";
import type { Loop } from "../../src/event/index.ts";
import { connectUnix, openLoop } from "../../src/os/index.ts";
import { type Domain, qemu, remote, type TypedParam } from "../../src/protocol/index.ts";
import { Connection, clientOf, type Stream } from "../../src/rpc/index.ts";

const programs = ["/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-img"];
const missing = programs.find((path) => !existsSync(path));
const skip = missing === undefined ? false : `${missing} is missing: sudo apt-get install qemu-system-x86 qemu-utils`;

const callerOn = (connection: Connection) => clientOf(connection, remote);

const live = 1;
const pivot = 2;
const active = 4;
const paused = 1;
const maximumOfRun = 4 | live;

describe("a guest that runs is changed", { skip, timeout: 180_000 }, () => {
  let directory: string;
  let loop: Loop;
  let driver: QemuDriver;
  let daemon: Daemon;
  let connection: Connection;
  let events: string[];
  let call: ReturnType<typeof callerOn>;
  let dom: Domain;

  const place = (name: string): string => join(directory, name);

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "vwl-"));
    loop = openLoop();
    driver = await QemuDriver.open(loop, {
      uri: "qemu:///system",
      stateDir: place("state"),
      runDir: place("run"),
      logDir: place("log"),
    });
    events = [];
    driver.subscribe(({ event }) => {
      if (event.name !== "lifecycle") events.push(event.name);
    });
    daemon = new Daemon(loop, { drivers: [driver] });
    daemon.listen({ path: place("sock") });
    connection = new Connection(loop, connectUnix(loop, place("sock")));
    call = callerOn(connection);
    connection.open({ onClose: () => {} });
    await call.authList({});
    await call.connectOpen({ name: "qemu:///system", flags: 0 });
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", place("base.qcow2"), "4M"]);
    const onBase = ["-b", place("base.qcow2"), "-F", "qcow2"];
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", ...onBase, place("top.qcow2")]);
    for (const name of ["more.img", "disc.iso"]) {
      writeFileSync(place(name), "");
      truncateSync(place(name), 1_048_576);
    }
    ({ dom } = await call.domainDefineXml({ xml: definition(place("top.qcow2")) }));
    await call.domainCreateWithFlags({ dom, flags: paused });
    events.length = 0;
  });

  afterEach(async () => {
    await call.domainDestroy({ dom });
    connection.close();
    await daemon.close();
    await driver.close();
    await loop.close();
    assert.deepEqual(
      readdirSync(place("run")).filter((name) => name.includes(".")),
      [],
      "files are left",
    );
    rmSync(directory, { recursive: true });
  });

  const xmlOf = async (flags = 0): Promise<string> => (await call.domainGetXmlDesc({ dom, flags })).xml;
  const until = async (what: string, test: () => boolean | Promise<boolean>): Promise<void> => {
    for (let round = 0; !(await test()); round++) {
      assert.ok(round < 200, `${what} has not happened within 10 s; events: ${events.join(", ")}`);
      await sleep(50);
    }
  };

  it("a disk comes and goes, with what it hangs on and stands on", async () => {
    const disk = `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${place("more.img")}'/><target dev='sda' bus='scsi'/></disk>`;
    await call.domainResume({ dom });
    await call.domainAttachDeviceFlags({ dom, xml: "<controller type='scsi' model='virtio-scsi'/>", flags: live });
    await call.domainAttachDeviceFlags({ dom, xml: disk, flags: live });
    assert.match(await xmlOf(), /<alias name='scsi0-0-0-0'\/>/);
    assert.doesNotMatch(await xmlOf(2), /sda/, "the definition is as it was");
    const info = await call.domainGetBlockInfo({ dom, path: "sda", flags: 0 });
    assert.equal(info.capacity, 1_048_576n);
    await call.domainDetachDeviceFlags({ dom, xml: disk, flags: live });
    assert.doesNotMatch(await xmlOf(), /sda/);
    await until("the removal's telling", () => events.includes("deviceRemoved"));
    assert.deepEqual(
      events.filter((name) => name.startsWith("device")),
      ["deviceAdded", "deviceAdded", "deviceRemoved"],
    );
    // Its image is nobody's any more: it can come again.
    await call.domainAttachDeviceFlags({ dom, xml: disk, flags: live });
  });

  it("a network card comes, and its link goes down", async () => {
    const card = (link = ""): string =>
      `<interface type='user'><mac address='52:54:00:01:02:03'/><model type='virtio'/>${link}</interface>`;
    await call.domainAttachDeviceFlags({ dom, xml: card(), flags: live });
    await call.domainUpdateDeviceFlags({ dom, xml: card("<link state='down'/>"), flags: live });
    assert.match(await xmlOf(), /<link state='down'\/>/);
  });

  it("a medium is put in and taken out", async () => {
    const drive = (source: string): string =>
      `<disk type='file' device='cdrom'><driver name='qemu' type='raw'/>${source}<target dev='hda' bus='ide'/><readonly/></disk>`;
    await call.domainUpdateDeviceFlags({ dom, xml: drive(`<source file='${place("disc.iso")}'/>`), flags: live });
    assert.match(await xmlOf(), /disc\.iso/);
    assert.equal((await call.domainGetBlockInfo({ dom, path: "hda", flags: 0 })).capacity, 1_048_576n);
    await call.domainUpdateDeviceFlags({ dom, xml: drive(""), flags: live });
    assert.doesNotMatch(await xmlOf(), /disc\.iso/);
    await until("the tray's moving", () => events.length === 4);
    assert.deepEqual([...new Set(events)], ["trayChange"]);
  });

  it("an image is committed into the one below it, and the guest goes on with that", async () => {
    const args = { dom, disk: "vda", base: null, top: null, bandwidth: 0n, flags: active };
    await call.domainBlockCommit(args);
    await until("ready", async () => /<mirror [^>]*ready='yes'/.test(await xmlOf()));
    const info = await call.domainGetBlockJobInfo({ dom, path: "vda", flags: 0 });
    assert.deepEqual([info.found, info.type, info.cur === info.end], [1, 4, true]);
    await assert.rejects(
      call.domainBlockPull({ dom, path: "vda", bandwidth: 0n, flags: 0 }),
      /already in active block job/,
    );
    await call.domainBlockJobAbort({ dom, path: "vda", flags: pivot });
    assert.match(await xmlOf(), /<source file='[^']*base\.qcow2'/);
    assert.doesNotMatch(await xmlOf(), /top\.qcow2|mirror/);
    await until("the definition's change", async () => /base\.qcow2/.test(await xmlOf(2)));
    await until("the end's telling", () => events.length === 4);
    assert.deepEqual(events, ["blockJob", "blockJob2", "blockJob", "blockJob2"]);
  });

  it("an image takes in what it stands on", async () => {
    await call.domainBlockPull({ dom, path: "vda", bandwidth: 0n, flags: 0 });
    await until("the pull's end", () => events.includes("blockJob2"));
    assert.doesNotMatch(await xmlOf(), /base\.qcow2/);
    assert.equal(
      execFileSync("qemu-img", ["info", "-U", place("top.qcow2")], { encoding: "utf8" }).includes("backing"),
      false,
    );
  });

  it("a processor comes; the balloon is told", async () => {
    await call.domainSetVcpus({ dom, nvcpus: 2 });
    assert.equal((await call.domainGetVcpusFlags({ dom, flags: live })).num, 2);
    assert.equal((await call.domainGetVcpusFlags({ dom, flags: maximumOfRun })).num, 2);
    const { info } = await call.domainGetVcpus({ dom, maxinfo: 8, maplen: 1 });
    assert.deepEqual(
      info.map(({ number }) => number),
      [0, 1],
    );
    await call.domainSetMemoryFlags({ dom, memory: 32_768n, flags: live });
    // Nobody in this guest would give any back.
    assert.equal((await call.domainGetInfo({ dom })).memory, 65_536n);
    await assert.rejects(call.domainSetMemoryFlags({ dom, memory: 1_000_000n, flags: live }), /higher than max memory/);
  });

  it("what it shows on its serial console can be read, by one at a time", async () => {
    const { stream } = await call.domainOpenConsole({ dom, devName: null, flags: 0 });
    await assert.rejects(
      call.domainOpenConsole({ dom, devName: null, flags: 0 }).then(({ stream: other }) => readUntil(other, "x")),
      /Active console session exists/,
    );
    await call.domainResume({ dom });
    await readUntil(stream, "SeaBIOS");
    const taken = await call.domainOpenConsole({ dom, devName: "serial0", flags: 1 });
    await assert.rejects(readUntil(stream, "never"), /I\/O failure/);
    await taken.stream.write(Buffer.from("x"));
    await taken.stream.finish();
  });

  it("what it shows on its screen is a picture", async () => {
    const { stream, ret } = await call.domainScreenshot({ dom, screen: 0, flags: 0 });
    assert.equal(ret.mime, "image/png");
    const parts: Uint8Array[] = [];
    for await (const part of stream) parts.push(part);
    await stream.finish();
    assert.equal(Buffer.concat(parts).subarray(1, 4).toString(), "PNG");
  });

  it("of one that does not answer the last known values are told at once, with their age", async () => {
    const asking = { doms: [], stats: 4 | 32, flags: 0 };
    await call.connectGetAllDomainStats(asking);
    const { process: identity } = JSON.parse(readFileSync(place(`run/${dom.uuid}.json`), "utf8")) as {
      process: { pid: number };
    };
    process.kill(identity.pid, "SIGSTOP");
    try {
      const first = await timed(() => call.connectGetAllDomainStats(asking));
      const second = await timed(() => call.connectGetAllDomainStats(asking));
      assert.ok(first.ms < 4500 && second.ms < 300, `${first.ms} and ${second.ms} ms`);
      const [row] = second.result.retStats;
      assert.ok((valueOf(row?.params, "virtwright.age") as bigint) > 0n);
      assert.equal(valueOf(row?.params, "block.0.capacity"), 4_194_304n);
    } finally {
      process.kill(identity.pid, "SIGCONT");
    }
    await until("an answer", async () => {
      const [row] = (await call.connectGetAllDomainStats(asking)).retStats;
      return valueOf(row?.params, "virtwright.age") === undefined;
    });
  });

  it("QEMU's monitor answers whom it is passed through to", async () => {
    const monitor = clientOf(connection, qemu);
    const { result } = await monitor.domainMonitorCommand({ dom, cmd: '{"execute":"query-name"}', flags: 0 });
    assert.deepEqual((JSON.parse(result) as { return: unknown }).return, { name: "live" });
    const people = await monitor.domainMonitorCommand({ dom, cmd: "info name", flags: 1 });
    assert.equal(people.result.trim(), "live");
  });
});

function definition(image: string): string {
  return `<domain type='qemu'><name>live</name><memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu>
    <os><type arch='x86_64' machine='pc'>hvm</type><bios useserial='yes'/></os><features><acpi/></features>
    <devices>
      <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='${image}'/><target dev='vda' bus='virtio'/></disk>
      <disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/></disk>
      <serial type='pty'/><video><model type='vga'/></video><memballoon model='virtio'/>
    </devices></domain>`;
}

async function readUntil(stream: Stream, wanted: string): Promise<void> {
  let seen = "";
  const reader = stream[Symbol.asyncIterator]();
  while (!seen.includes(wanted)) {
    const { value, done } = await reader.next();
    assert.ok(done !== true, `ended before '${wanted}': ${seen}`);
    seen += Buffer.from(value).toString("latin1");
  }
}

function valueOf(params: readonly TypedParam[] | undefined, field: string): unknown {
  return params?.find((each) => each.field === field)?.value.value;
}

async function timed<T>(act: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const begin = performance.now();
  const result = await act();
  return { result, ms: Math.round(performance.now() - begin) };
}
