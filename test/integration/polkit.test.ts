import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { localPkcheck } from "../../src/cli/pkcheck.ts";
import { Polkit, type PolkitAnswer } from "../../src/daemon/polkit/polkit.ts";
import type { Loop } from "../../src/event/index.ts";
import { identifyProcess, openLoop } from "../../src/os/index.ts";

const polkitd = "/usr/lib/polkit-1/polkitd";
const policies = "/usr/share/polkit-1/actions";
const needed = [polkitd, "/usr/bin/pkcheck", "/usr/bin/dbus-daemon", `${policies}/org.freedesktop.login1.policy`];
const missing = needed.filter((path) => !existsSync(path));
const skip =
  process.getuid?.() !== 0
    ? "polkit runs as root's alone"
    : missing.length > 0 && `${missing.join(", ")} is not here: sudo apt-get install polkitd dbus systemd`;

const bus = (path: string): string => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=${path}</listen><auth>EXTERNAL</auth><policy context="default">
<allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/><allow send_type="method_call"/></policy></busconfig>
`;

suite("the real polkit, on a bus of its own", { skip, timeout: 120_000 }, () => {
  const started: ChildProcess[] = [];
  let directory: string;
  let loop: Loop;
  let polkit: Polkit;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), "virtwright-polkit-"));
    // polkit gives up being root, and comes to the bus as another user.
    chmodSync(directory, 0o755);
    const [configuration, path] = [join(directory, "bus.conf"), join(directory, "bus")];
    writeFileSync(configuration, bus(path));
    process.env["DBUS_SYSTEM_BUS_ADDRESS"] = `unix:path=${path}`;
    start("/usr/bin/dbus-daemon", ["--config-file", configuration, "--nofork"]);
    await until(async () => existsSync(path));
    start(polkitd, ["--no-debug"]);
    loop = openLoop();
    polkit = new Polkit({ loop, pkcheck: localPkcheck() });
    await until(async () => (await ask(0, "org.freedesktop.login1.reboot").catch(() => "none")) === "allowed");
  });
  after(async () => {
    for (const each of started) {
      const ended = new Promise((resolve) => each.once("exit", resolve));
      if (each.kill("SIGKILL")) await ended;
    }
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  function start(program: string, args: string[]): void {
    started.push(spawn(program, args, { stdio: "ignore" }));
  }

  function ask(uid: number, action: string): Promise<PolkitAnswer> {
    const { pid, startTime } = identifyProcess(process.pid) ?? { pid: 0, startTime: 0 };
    return polkit.ask({ action, subject: { pid, startTime, uid }, details: { domain_name: "a 'b'" } });
  }

  test("allows what root asks for, and what everybody may", async () => {
    assert.equal(await ask(0, "org.freedesktop.login1.reboot"), "allowed");
    const [, everybodys = ""] =
      /<action id="([^"]+)">(?:(?!<\/action>).)*<allow_any>yes</s.exec(
        readFileSync(`${policies}/org.freedesktop.login1.policy`, "utf8"),
      ) ?? [];
    assert.equal(await ask(54_321, everybodys), "allowed", everybodys);
  });

  test("says of others that nobody is there to be asked", async () => {
    assert.equal(await ask(54_321, "org.freedesktop.login1.reboot"), "no agent");
  });

  test("knows no action that nobody has installed, and that allows nothing", async () => {
    await assert.rejects(ask(0, "org.nothing.here"), /pkcheck has ended with 127: polkit cannot be asked/);
  });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 100)))
    if (await holds()) return;
  throw new Error("polkit has not begun within 60 s");
}
