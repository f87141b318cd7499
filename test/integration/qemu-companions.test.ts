import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { findUser } from "../../src/os/index.ts";
import type { Domain } from "../../src/protocol/index.ts";
import { Program } from "./program.ts";
import { Bench, bounded, call, hasEnded, withDevices } from "./qemu-bench.ts";
import { guestUser } from "./qemu-user/guest-user.ts";

/** Why a companion cannot be had; false: it can. */
function lacks(path: string, packages: string): string | false {
  if (bounded.skip !== false) return bounded.skip;
  if (process.getuid?.() !== 0) return "only root can start QEMU as another user";
  return existsSync(path) ? false : `${path} is missing: sudo apt-get install ${packages}`;
}

const forTpm = { ...bounded, skip: lacks("/usr/bin/swtpm_setup", "swtpm swtpm-tools") };
const forVirtiofs = { ...bounded, skip: lacks("/usr/lib/qemu/virtiofsd", "qemu-system-common") };

async function open(context: TestContext): Promise<Bench> {
  const bench = await Bench.open(context, { security: guestUser });
  chmodSync(bench.directory, 0o711);
  return bench;
}

interface Record {
  readonly companions: readonly { readonly name: string; readonly process: { readonly pid: number } }[];
}

/** The numbers of a running guest's companions; they end with the test. */
function companionsOf(bench: Bench, { uuid }: Domain): number[] {
  const record = JSON.parse(readFileSync(join(bench.directory, "run", `${uuid}.json`), "utf8")) as Record;
  const pids = record.companions.map(({ process }) => process.pid);
  for (const pid of pids) bench.pids.add(pid);
  return pids;
}

function status(pid: number, name: string): string {
  return new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
}

async function allGone(pids: readonly number[]): Promise<void> {
  for (let rounds = 0; !pids.every(hasEnded); rounds++) {
    assert.ok(rounds < 1_000, `${pids.filter((pid) => !hasEnded(pid)).join()} are still there`);
    await sleep(10);
  }
}

const tpm = (version: string, model = "tpm-tis"): string =>
  `<tpm model='${model}'><backend type='emulator' version='${version}'/></tpm>`;

suite("a guest with a TPM", () => {
  for (const version of ["2.0", "1.2"]) {
    test(`has one of version ${version}, with a user and a state of its own`, forTpm, async (context) => {
      const bench = await open(context);
      const dom = await bench.define(withDevices(bench, tpm(version)));
      const state = join(bench.directory, "state/guests", dom.uuid, version === "2.0" ? "tpm2" : "tpm1.2");
      await bench.start(dom);
      const pids = companionsOf(bench, dom);
      assert.match(readFileSync(`/proc/${pids[0]}/cmdline`, "utf8"), /^\/usr\/bin\/swtpm\0socket/);
      const account = findUser("tss")?.uid ?? 0;
      assert.equal(status(pids[0] ?? 0, "Uid"), String(account));
      assert.deepEqual([statSync(state).uid, statSync(state).mode & 0o777], [account, 0o700]);
      assert.match(readdirSync(state).join(), /permall/);
      const made = statSync(state).birthtimeMs;
      await call(bench.driver, "domainDestroy", { dom });
      await allGone(pids);
      await bench.until(() => bench.runFiles.length === 0);

      await bench.start(dom);
      const again = companionsOf(bench, dom);
      assert.equal(statSync(state).birthtimeMs, made, "it is the same TPM");
      await call(bench.driver, "domainDestroy", { dom });
      await allGone(again);
      await call(bench.driver, "domainUndefine", { dom });
      assert.equal(existsSync(join(state, "..")), false);
    });
  }

  test("is saved with it, and goes on with it", forTpm, async (context) => {
    const bench = await open(context);
    const dom = await bench.define(withDevices(bench, tpm("2.0", "tpm-crb")));
    await bench.start(dom);
    const pids = companionsOf(bench, dom);
    await bench.until(() => readFileSync(bench.serialLog, "utf8").includes("Booting"));
    await call(bench.driver, "domainManagedSave", { dom, flags: 0 });
    await allGone(pids);
    await call(bench.driver, "domainCreate", { dom });
    assert.deepEqual(await bench.state(dom), [1, 3], "restored");
    const next = companionsOf(bench, dom);
    await call(bench.driver, "domainDestroy", { dom });
    await allGone(next);
  });

  test("has it whatever becomes of the daemon, and not beyond its own end", forTpm, async (context) => {
    const bench = await open(context);
    const dom = await bench.define(withDevices(bench, tpm("2.0")));
    const pid = await bench.start(dom);
    const pids = companionsOf(bench, dom);
    await bench.driver.close();
    await bench.openDriver({ security: guestUser });
    assert.deepEqual([hasEnded(pids[0] ?? 0), companionsOf(bench, dom)], [false, pids]);
    await bench.driver.close();
    process.kill(pid, "SIGSTOP");
    process.kill(pids[0] ?? 0, "SIGSTOP");
    process.kill(pid, "SIGKILL");
    while (!hasEnded(pid)) await sleep(10);
    assert.equal(hasEnded(pids[0] ?? 0), false, "a stopped one cannot notice");
    await bench.openDriver({ security: guestUser });
    await allGone(pids);
    await bench.until(() => bench.runFiles.length === 0);
  });

  const longer = { ...forTpm, timeout: 170_000 };
  test("leaves nothing behind when its daemon is killed while it starts", longer, async (context) => {
    const bench = await open(context);
    await bench.driver.close();
    const uuid = "04c6774c-a016-4ca7-8d75-9930f0bbbd69";
    const definition = join(bench.directory, "guest.xml");
    writeFileSync(definition, withDevices(bench, tpm("2.0")).replace("<memory", `<uuid>${uuid}</uuid><memory`));
    const lender = join(import.meta.dirname, "qemu-user/lender.ts");
    const socket = join(bench.directory, "run", uuid, "tpm0.sock");
    for (const moment of ["the state is being made", "the socket is there"]) {
      await using program = new Program(process.execPath, [lender, bench.directory, definition]);
      const parent = join(bench.directory, "state/guests", uuid);
      const isHalf = (): boolean => existsSync(parent) && readdirSync(parent).some((name) => name.includes(".new"));
      for (; moment === "the socket is there" ? !existsSync(socket) : !isHalf(); ) await sleep(1);
      program.signal("SIGKILL");
      await program.ended();
      await bench.openDriver({ security: guestUser });
      await bench.until(() => bench.runFiles.length === 0 || !bench.runFiles.includes(`${uuid}.json`) || isRunning());
      if (isRunning()) await call(bench.driver, "domainDestroy", { dom: { name: "hello", id: -1, uuid } });
      await bench.until(() => swtpms(bench.directory).length === 0);
      await bench.driver.close();
    }
    await bench.openDriver({ security: guestUser });
    const { dom } = await call(bench.driver, "domainLookupByName", { name: "hello" });
    await bench.start(dom);
    const pids = companionsOf(bench, dom);
    await call(bench.driver, "domainDestroy", { dom });
    await allGone(pids);

    function isRunning(): boolean {
      const path = join(bench.directory, "run", `${uuid}.json`);
      return existsSync(path) && JSON.parse(readFileSync(path, "utf8")).status.state === 1;
    }
  });

  test("does not start without the program, and is told what to install", forTpm, async (context) => {
    const bench = await open(context);
    const share =
      "<filesystem><driver type='virtiofs'/><binary path='/no/such'/><source dir='/tmp'/><target dir='t'/></filesystem>";
    const shared = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><os>";
    const dom = await bench.define(withDevices(bench, share).replace("<os>", shared));
    await assert.rejects(
      bench.start(dom),
      /Cannot run \/no\/such: No such file or directory; install it with: sudo apt-get install qemu-system-common/,
    );
  });
});

/** The emulators whose state is in a directory. */
function swtpms(directory: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`dir=${directory}`) && !hasEnded(pid);
      } catch {
        return false;
      }
    });
}

suite("a guest with a directory of the host's by virtiofs", () => {
  const define = (bench: Bench): Promise<Domain> => {
    const share = join(bench.directory, "share");
    mkdirSync(share);
    const device = `<filesystem type='mount'><driver type='virtiofs'/><source dir='${share}'/><target dir='t'/></filesystem>`;
    const shared = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><os>";
    return bench.define(withDevices(bench, device).replace("<os>", shared));
  };

  test("is served by a process of root's that ends with it", forVirtiofs, async (context) => {
    const bench = await open(context);
    const dom = await define(bench);
    await bench.start(dom);
    const pids = companionsOf(bench, dom);
    assert.equal(status(pids[0] ?? 0, "Uid"), "0");
    const { xml } = await call(bench.driver, "domainGetXmlDesc", { dom, flags: 0 });
    assert.match(xml, /<binary path='\/usr\/lib\/qemu\/virtiofsd'\/>/);
    assert.equal(statSync(join(bench.directory, "run", dom.uuid, "fs0.sock")).uid, 64055);
    await call(bench.driver, "domainDestroy", { dom });
    await allGone(pids);
    await bench.until(() => bench.runFiles.length === 0);
  });

  test("does not start when that says no, and is told what it said", forVirtiofs, async (context) => {
    const bench = await open(context);
    const dom = await define(bench);
    rmSync(join(bench.directory, "share"), { recursive: true });
    await assert.rejects(bench.start(dom), /the process for 'fs0' died unexpectedly: .*share.*No such file/s);
    await bench.until(() => bench.runFiles.length === 0);
  });
});
