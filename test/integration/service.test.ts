import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { open } from "../../src/open/index.ts";

const main = join(import.meta.dirname, "../../src/cli/main.ts");
const analyze = "/usr/bin/systemd-analyze";
const python = "/usr/bin/python3";
const directory = mkdtempSync(join(tmpdir(), "vw-service-"));
after(() => rmSync(directory, { recursive: true, force: true }));

function install(...args: readonly string[]) {
  return spawnSync(process.execPath, [main, "install-service", ...args], { encoding: "utf8", timeout: 30_000 });
}

suite("virtwright install-service", () => {
  const units = join(directory, "units");
  mkdirSync(units);

  test("shows, then writes what systemd finds in order", { skip: !existsSync(analyze) && `no ${analyze}` }, () => {
    assert.match(install("--directory", units).stdout, /KillMode=process[^]*Nothing is written yet/);
    assert.deepEqual(readdirSync(units), []);
    assert.equal(install("--directory", units, "--libvirt-sockets", "--write").status, 0);
    const files = readdirSync(units).map((name) => join(units, name));
    assert.equal(files.length, 5);
    const { status, stderr } = spawnSync(analyze, ["verify", ...files], { encoding: "utf8", timeout: 60_000 });
    assert.deepEqual([status, stderr], [0, ""]);
  });

  test("overwrites nobody else's unit", () => {
    const strange = mkdtempSync(join(directory, "strange-"));
    writeFileSync(join(strange, "virtwright.service"), "[Service]\nExecStart=/bin/true\n");
    const { status, stderr } = install("--directory", strange, "--write");
    assert.deepEqual([status, /somebody else's/.test(stderr)], [1, true]);
  });

  test("removes its units, and them alone", () => {
    if (readdirSync(units).length === 0) install("--directory", units, "--libvirt-sockets", "--write");
    writeFileSync(join(units, "other.service"), "");
    assert.match(install("--directory", units, "--remove").stdout, /Nothing is removed yet/);
    assert.equal(readdirSync(units).length, 6);
    assert.equal(install("--directory", units, "--remove", "--write").status, 0);
    assert.deepEqual(readdirSync(units), ["other.service"]);
  });
});

suite("the daemon as a service", { skip: !existsSync(python) && `no ${python}` }, () => {
  test("serves the sockets that it is handed, says when it is ready and when it ends, and leaves them", async () => {
    const runtime = mkdtempSync(join(directory, "run-"));
    const sockets = join(runtime, "virtwright");
    const socket = join(sockets, "virtwright-sock");
    const env = { ...process.env, XDG_RUNTIME_DIR: runtime, XDG_CONFIG_HOME: runtime, XDG_STATE_HOME: runtime };
    const command = [process.execPath, main, "daemon", "--session", "--verbose"];
    const manager = spawn(
      python,
      [join(import.meta.dirname, "service-manager.py"), sockets, join(runtime, "notify"), ...command],
      { env, stdio: ["pipe", "pipe", "pipe"] },
    );
    let output = "";
    let log = "";
    manager.stderr.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
    const ended = new Promise<void>((resolve) => manager.on("close", () => resolve()));
    const ready = new Promise<void>((resolve) => {
      manager.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (output.includes("READY=1\n")) resolve();
      });
    });
    const late = new Promise<void>((resolve) => setTimeout(resolve, 30_000).unref());
    try {
      await Promise.race([ready, ended, late]);
      assert.equal(output, "READY=1\n", log);
      await using connection = await open(`test+unix:///default?socket=${socket}`);
      assert.equal(await connection.getType(), "TEST");
      await using looking = await open(`test+unix:///default?socket=${socket}-ro`, { readOnly: true });
      assert.equal((await looking.domains()).length, 1);
    } finally {
      // Which ends the daemon, however far it has come.
      manager.stdin.end();
      await ended;
    }
    assert.equal(output, "READY=1\nSTOPPING=1\ncode 0 left ['virtwright-sock', 'virtwright-sock-ro']\n", log);
  });
});
