import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Daemon, type LogEntry } from "../../src/daemon/index.ts";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { FakeDriver } from "./fake-driver.ts";

const virsh = "/usr/bin/virsh";
const skip = existsSync(virsh) ? false : "no /usr/bin/virsh: apt-get install libvirt-clients";

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

describe("Debian's virsh against the daemon", { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-"));
  const path = join(directory, "sock");
  const readOnlyPath = join(directory, "sock-ro");
  const uri = `qemu+unix:///system?socket=${path}`;
  const driver = new FakeDriver();
  const log: LogEntry[] = [];
  const children = new Set<ChildProcess>();
  let loop: Loop;
  let daemon: Daemon;

  before(() => {
    loop = openLoop();
    daemon = new Daemon(loop, {
      drivers: [driver],
      log: (entry) => {
        log.push(entry);
      },
      keepalive: { intervalMs: 200, count: 2 },
    });
    daemon.listen({ path, mode: 0o640 });
    daemon.listen({ path: readOnlyPath, mode: 0o666, readOnly: true });
  });

  after(async () => {
    for (const child of children) child.kill("SIGKILL");
    await daemon.close();
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  function run(...args: string[]): Promise<Outcome> {
    return runOn(uri, ...args);
  }

  function runOn(where: string, ...args: string[]): Promise<Outcome> {
    return new Promise((resolve) => {
      const options = { timeout: 20_000, env: { LC_ALL: "C", PATH: "/usr/bin:/bin" } };
      execFile(virsh, ["-c", where, ...args], options, (error, stdout, stderr) => {
        resolve({ stdout, stderr, code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1 });
      });
    });
  }

  /** A virsh that runs on, and what it has printed. */
  function start(...args: string[]): { child: ChildProcess; printed: () => string } {
    const child = spawn(virsh, ["-c", uri, ...args], { env: { LC_ALL: "C" }, stdio: ["ignore", "pipe", "pipe"] });
    children.add(child);
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data: Buffer) => (text += data.toString()));
    return { child, printed: () => text };
  }

  async function until(condition: () => boolean, what: string): Promise<void> {
    for (let rounds = 0; !condition(); rounds++) {
      assert.ok(rounds < 1_000, `waited in vain until ${what}`);
      await sleep(10);
    }
  }

  it("finds the sockets with the permissions asked for", () => {
    assert.equal(statSync(path).mode & 0o777, 0o640);
    assert.equal(statSync(readOnlyPath).mode & 0o777, 0o666);
  });

  it("learns who serves", async () => {
    assert.deepEqual(await run("uri"), { stdout: `${uri}\n\n`, stderr: "", code: 0 });
    assert.deepEqual(await run("hostname"), { stdout: "fakehost\n\n", stderr: "", code: 0 });
    assert.match(
      (await run("version", "--daemon")).stdout,
      /hypervisor: Fake 1\.2\.3\nRunning against daemon: 9\.0\.0\n/,
    );
    assert.match((await run("nodeinfo")).stdout, /CPU model: +x86_64\nCPU\(s\): +2\n/);
    assert.equal((await run("capabilities")).stdout, "<capabilities/>\n\n\n");
  });

  it("takes a domain through its life", async () => {
    driver.define("hello");
    assert.equal((await run("start", "hello")).stdout, "Domain 'hello' started\n\n");
    assert.match((await run("list", "--all")).stdout, /^ Id +Name +State\n-+\n 1 +hello +running\n\n$/);
    assert.equal((await run("suspend", "hello")).stdout, "Domain 'hello' suspended\n\n");
    assert.equal((await run("domstate", "hello", "--reason")).stdout, "paused (user)\n\n");
    assert.equal((await run("resume", "hello")).stdout, "Domain 'hello' resumed\n\n");
    assert.equal((await run("domid", "hello")).stdout, "1\n\n");
    assert.equal((await run("domname", "1")).stdout, "hello\n\n");
    assert.equal((await run("domuuid", "hello")).stdout, "00000000-0000-4000-8000-0068656c6c6f\n\n");
    assert.match((await run("dumpxml", "hello")).stdout, /<name>hello<\/name>/);
    assert.equal((await run("destroy", "hello")).stdout, "Domain 'hello' destroyed\n\n");
    assert.equal((await run("undefine", "hello")).stdout, "Domain 'hello' has been undefined\n\n");
    assert.match((await run("list", "--all")).stdout, /^ Id +Name +State\n-+\n\n$/);
  });

  it("prints what dominfo has to say, without an error for what is not there", async () => {
    driver.define("info");
    const { stdout, stderr, code } = await run("dominfo", "info");
    assert.match(stdout, /OS Type: +hvm\nState: +shut off\nCPU\(s\): +1\nCPU time: +1\.5s\nMax memory: +131072 KiB\n/);
    assert.match(stdout, /Persistent: +yes\nAutostart: +disable\nManaged save: +no\n\n$/);
    assert.deepEqual([stderr, code], ["", 0]);
  });

  it("prints libvirt's errors", async () => {
    driver.define("err");
    assert.deepEqual(await run("destroy", "err"), {
      stdout: "\n",
      stderr: "error: Failed to destroy domain 'err'\nerror: Requested operation is not valid: domain is not running\n",
      code: 1,
    });
    assert.deepEqual(await run("reboot", "err"), {
      stdout: "\n",
      stderr:
        "error: Failed to reboot domain 'err'\nerror: this function is not supported by the connection driver: virDomainReboot\n",
      code: 1,
    });
    const elsewhere = await runOn(`xen+unix:///system?socket=${path}`, "list");
    assert.match(elsewhere.stderr, /no connection driver available for xen:\/\/\/system/);
  });

  it("may only read through the read-only socket, and when it says so itself", async () => {
    driver.define("ro");
    const outcomes = [
      await runOn(`qemu+unix:///system?socket=${readOnlyPath}`, "list --all; start ro"),
      await runOn(uri, "-r", "list --all; start ro"),
    ];
    for (const { stdout, stderr } of outcomes) {
      assert.match(stdout, / - +ro +shut off\n/);
      assert.match(stderr, /error: operation forbidden: read only access prevents virDomainCreate\n$/);
    }
  });

  it("watches events until it is interrupted", async () => {
    const { child, printed } = start("event", "--event", "lifecycle", "--loop");
    await until(() => driver.listeners === 1, "virsh has subscribed");
    await run("start err; destroy err");
    await until(() => printed().includes("Stopped"), "the events are there");
    child.kill("SIGINT");
    await once(child, "close");
    assert.match(printed(), /^event 'lifecycle' for domain 'err': Started Booted\n.*'err': Stopped Destroyed\n/m);
    assert.equal(driver.listeners, 0);
  });

  it("gets its pings answered while it waits", async () => {
    const outcome = await run("-k", "1", "-K", "1", "event", "--event", "lifecycle", "--timeout", "3");
    assert.match(outcome.stdout, /^event loop timed out\nevents received: 0\n/);
  });

  it("is dropped when it does not answer ours", async () => {
    const { child } = start("event", "--event", "lifecycle", "--loop");
    await until(() => driver.listeners === 1, "virsh has subscribed");
    child.kill("SIGSTOP");
    await until(() => driver.listeners === 0, "the daemon has dropped it");
    child.kill("SIGKILL");
    assert.match(log.findLast(({ level }) => level === "warn")?.message ?? "", /keepalive: the peer has been silent/);
  });
});
