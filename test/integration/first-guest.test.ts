import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { prompt, readyLine, smallLinux } from "../../lab/guest/linux.ts";
import { fetchPackages, missingPrograms } from "../../lab/xen/fetch.ts";
import { Terminal, terminalProgram } from "../conformance/clients/terminal.ts";
import { Program } from "./program.ts";

const main = join(import.meta.dirname, "../../src/cli/main.ts");
const programs = {
  "/usr/bin/virsh": "libvirt-clients",
  "/usr/bin/qemu-system-x86_64": "qemu-system-x86",
  [terminalProgram]: "bsdutils",
};
const missing = Object.entries(programs).filter(([path]) => !existsSync(path));
const skip =
  missing.length > 0
    ? `no ${missing.map(([path]) => path).join(", ")}: apt-get install ${missing.map(([, name]) => name).join(" ")}`
    : (missingPrograms() ?? false);

/** As a person writes it for libvirt: what is left out is libvirt's to choose. */
function definition(kernel: string, initrd: string): string {
  return `
<domain type='qemu'>
  <name>first</name>
  <memory unit='MiB'>128</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>${kernel}</kernel>
    <initrd>${initrd}</initrd>
    <cmdline>console=ttyS0 quiet</cmdline>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
  <devices>
    <interface type='user'>
      <model type='virtio'/>
    </interface>
    <serial type='pty'/>
    <console type='pty'/>
  </devices>
</domain>
`;
}

/** A booting guest on a machine that is busy with other things. */
const bootMs = 90_000;
const shutdownMs = 60_000;

describe("a first guest, by virsh and `virtwright start`", { skip, timeout: 170_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-first-"));
  const scope = process.getuid?.() === 0 ? "system" : "session";
  const uri = `qemu+unix:///${scope}?socket=${join(directory, "run", "virtwright-sock")}`;
  const env = { PATH: "/usr/bin:/bin:/usr/sbin", LC_ALL: "C", HOME: directory, TERM: "dumb" };
  const file = join(directory, "first.xml");
  let daemon: Program;

  before(async () => {
    const { kernel, initrd } = await smallLinux(await fetchPackages());
    writeFileSync(file, definition(kernel, initrd));
    daemon = new Program(process.execPath, [main, "start", "--directory", join(directory, "run")]);
    const welcome = await daemon.has(/Serving .* on (\S+)/);
    assert.equal(`qemu+unix:///${scope}?socket=${welcome[1]}`, uri);
  });

  after(async () => {
    await virsh("destroy", "first").catch(() => {});
    await daemon.end("SIGTERM");
    rmSync(directory, { recursive: true });
  });

  function virsh(...args: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      execFile("/usr/bin/virsh", ["-c", uri, ...args], { env, timeout: 30_000 }, (error, stdout, stderr) =>
        error === null ? resolve(stdout.trim()) : reject(new Error(`virsh ${args.join(" ")}: ${stderr}`)),
      );
    });
  }

  it("is defined from XML written for libvirt, boots, speaks on its console and obeys its power button", async () => {
    assert.match(await virsh("define", file), /^Domain 'first' defined from/);
    assert.match(await virsh("start", "first"), /^Domain 'first' started/);
    await using console = new Terminal(["/usr/bin/virsh", "-c", uri, "console", "first"], env);
    await console.shows(/Escape character is/, 30_000);
    await console.shows(new RegExp(readyLine), bootMs);
    await console.shows(new RegExp(prompt), 30_000);
    const before = console.output.length;
    console.type("uname -s -n; cat /proc/cmdline\r");
    await console.shows(/Linux \S+\s+console=ttyS0 quiet/, 30_000, before);
    console.type("\x1d");
    assert.equal(await console.ended(30_000), 0);

    assert.match(await virsh("shutdown", "first"), /^Domain 'first' is being shutdown/);
    const deadline = performance.now() + shutdownMs;
    while ((await virsh("domstate", "first")) !== "shut off") {
      assert.ok(performance.now() < deadline, "it is not off in time");
      await sleep(200);
    }
    assert.equal(await virsh("domstate", "first", "--reason"), "shut off (shutdown)");
    assert.equal(await virsh("undefine", "first"), "Domain 'first' has been undefined");
  });

  it("has been told of in the order of what happened", () => {
    const events = daemon.output.split("\n").flatMap((line) => /qemu: first (.*)/.exec(line)?.[1] ?? []);
    assert.deepEqual(events, [
      "defined (added)",
      "resumed (unpaused)",
      "started (booted)",
      "shutdown (guest)",
      "stopped (shutdown)",
      "undefined (removed)",
    ]);
  });
});
