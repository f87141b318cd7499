import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { DomainReason, DomainState, ErrorCode, VirError } from "../../src/protocol/index.ts";
import { Bench, bootable, bounded, call, withDevices } from "./qemu-bench.ts";

const missing =
  bounded.skip ||
  (process.getuid?.() === 0 ? false : "a small disk can be mounted by root alone: run the tests as root");
const options = { ...bounded, skip: missing };
const mib = 1_048_576;

/** A disk of a few MiB, with room for what is left beside the ballast. */
class SmallDisk {
  readonly path: string;
  readonly #ballast: string;
  readonly #size: number;

  constructor(context: TestContext, size: number) {
    this.path = mkdtempSync(join(tmpdir(), "vws-"));
    this.#ballast = join(this.path, "ballast");
    this.#size = size;
    mount(["mount", "-t", "tmpfs", "-o", `size=${size}`, "none", this.path]);
    context.after(() => {
      mount(["umount", "-l", this.path]);
      rmdirSync(this.path);
    });
  }

  leave(room: number): void {
    writeFileSync(this.#ballast, Buffer.alloc(this.#size - room, 1));
  }

  clear(): void {
    rmSync(this.#ballast);
  }

  get files(): string[] {
    return readdirSync(this.path).filter((name) => name !== "ballast");
  }
}

function mount([command = "", ...args]: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

const { running, paused } = DomainState;

test(
  "a guest that cannot be saved or dumped for want of room runs on, and nothing is left",
  options,
  async (context) => {
    const bench = await Bench.open(context);
    const disk = new SmallDisk(context, 2 * mib);
    disk.leave(128 * 1024);
    const dom = await bench.define();
    await bench.start(dom);
    const to = join(disk.path, "guest.save");
    const attempts = [
      () => call(bench.driver, "domainSave", { dom, to }),
      () => call(bench.driver, "domainCoreDump", { dom, to, flags: 0 }),
      () => call(bench.driver, "domainCoreDumpWithFormat", { dom, to, dumpformat: 0, flags: 16 }),
    ];
    const reasons = [DomainReason.running.saveCanceled, DomainReason.running.unpaused, DomainReason.running.unpaused];
    for (const [at, attempt] of attempts.entries()) {
      await assert.rejects(attempt(), (error) => {
        assert.ok(error instanceof VirError);
        assert.equal(error.code, ErrorCode.operationFailed);
        assert.match(error.message, /No space left on device/);
        return true;
      });
      assert.deepEqual([await bench.state(dom), disk.files], [[running, reasons[at]], []]);
    }
    // And when there is room again it is saved.
    disk.clear();
    await call(bench.driver, "domainSave", { dom, to });
    await call(bench.driver, "domainRestore", { from: to });
    assert.equal((await bench.state(dom))[0], running);
    await call(bench.driver, "domainDestroy", { dom });
  },
);

test("nobody else notices that a guest's saving has no room", options, async (context) => {
  const bench = await Bench.open(context);
  const disk = new SmallDisk(context, 2 * mib);
  disk.leave(128 * 1024);
  const dom = await bench.define();
  const xml = withDevices(bench, "").replace("<name>", "<uuid>11111111-2222-4333-8444-555555555555</uuid><name>other-");
  const other = await bench.define(xml);
  await bench.start(dom);
  await bench.start(other);
  bench.events.length = 0;
  const saving = call(bench.driver, "domainSave", { dom, to: join(disk.path, "guest.save") }).catch(() => "failed");
  await call(bench.driver, "domainSuspend", { dom: other });
  await call(bench.driver, "domainResume", { dom: other });
  assert.equal(await saving, "failed");
  const told = bench.events.filter((event) => event.startsWith(other.name)).map((event) => event.split(": ")[1]);
  assert.deepEqual(
    [await bench.state(other), told],
    [
      [running, DomainReason.running.unpaused],
      ["suspended 0", "resumed 0"],
    ],
  );
  for (const each of [dom, other]) await call(bench.driver, "domainDestroy", { dom: each });
});

/**
 * Writes its disk from sector 128 on, 32 KiB at a time: xor ax, ax; mov ds, ax; mov si, 0x7c20; mov ah, 0x43; mov dl, 0x80;
 * int 0x13; add dword [0x7c28], 64; jmp to the mov ah.
 */
const writeOn = [
  [0x31, 0xc0, 0x8e, 0xd8, 0xbe, 0x20, 0x7c],
  [0xb8, 0x00, 0x43, 0xb2, 0x80, 0xcd, 0x13],
  [0x66, 0x83, 0x06, 0x28, 0x7c, 0x40, 0xeb, 0xf1],
].flat();
/** Its disk address packet, at 0x7c20: 64 sectors from 0x1000:0. */
const packet = [0x10, 0, 64, 0, 0, 0, 0x00, 0x10, 128, 0, 0, 0, 0, 0, 0, 0];

test(
  "a guest whose disk has no room stands still, says why, and goes on when there is some",
  options,
  async (context) => {
    const bench = await Bench.open(context);
    const disk = new SmallDisk(context, 8 * mib);
    const path = join(disk.path, "disk.img");
    const code = [...writeOn, ...Array<number>(32 - writeOn.length).fill(0x90), ...packet];
    const device = bootable(path, code);
    truncateSync(path, 6 * mib);
    disk.leave(mib);
    const xml = withDevices(
      bench,
      device.replace("<source", "<driver name='qemu' type='raw' error_policy='enospace'/><source"),
    );
    const dom = await bench.define(xml);
    const told: string[] = [];
    bench.driver.subscribe(({ event }) => {
      if (event.name === "ioErrorReason")
        told.push(`${event.srcPath} ${event.devAlias} ${event.action} ${event.reason}`);
    });
    await bench.start(dom);
    await bench.until(() => told.length > 0);
    await sleep(100);
    assert.deepEqual([...new Set(told)], [`${path} ide0-0-0 1 enospc`]);
    assert.deepEqual(await bench.state(dom), [paused, DomainReason.paused.ioerror]);
    const { errors } = await call(bench.driver, "domainGetDiskErrors", { dom, maxerrors: 10, flags: 0 });
    assert.deepEqual(errors, [{ disk: "hda", error: 2 }]);
    disk.clear();
    const before = told.length;
    await call(bench.driver, "domainResume", { dom });
    await sleep(500);
    assert.deepEqual([told.length, await bench.state(dom)], [before, [running, DomainReason.running.unpaused]]);
    await call(bench.driver, "domainDestroy", { dom });
  },
);
