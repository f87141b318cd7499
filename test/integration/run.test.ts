import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { diskImage, diskPrograms, prompt, readyLine, type SmallLinux, smallLinux } from "../../lab/guest/linux.ts";
import { fetchedPackages } from "../../lab/xen/fetch.ts";
import { isInstalled } from "../../src/cli/installed.ts";
import { Program } from "./program.ts";

const main = join(import.meta.dirname, "../../src/cli/main.ts");
const packages = fetchedPackages();
const hasQemu = existsSync("/usr/bin/qemu-system-x86_64");
const reason = hasQemu
  ? "no kernel for guests: npm run lab:xen -- --fetch"
  : "missing: qemu-system-x86_64 (apt-get install qemu-system-x86)";
const skip = (packages === undefined || !hasQemu) && reason;
const missing = Object.entries(diskPrograms).flatMap(([program, name]) => (isInstalled(program) ? [] : [name]));

/** TCG, and a machine that others use too. */
const bootMs = 90_000;
const leaveKey = "\x1d";

suite("virtwright run", { skip, timeout: 4 * bootMs }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-run-test-"));
  let linux: SmallLinux;
  before(async () => {
    if (packages !== undefined) linux = await smallLinux(packages);
  });
  after(() => rmSync(directory, { recursive: true }));

  function run(...args: string[]): Program {
    return new Program(process.execPath, [main, "run", "-m", "256M", ...args], process.env, true);
  }

  const atPrompt = new RegExp(`${readyLine}[^]*${prompt}`);

  test("a kernel and an initrd: their shell is in this terminal, and the run ends with the guest", async () => {
    const before = readdirSync(tmpdir());
    await using guest = run("--rm", "--name", "passing", "--kernel", linux.kernel, "--initrd", linux.initrd);
    await guest.has(atPrompt, bootMs);
    guest.write("echo $((6 * 7)) is the answer\n");
    await guest.has(/42 is the answer/);
    guest.write("poweroff -f\n");
    assert.equal(await guest.ended(), 0, guest.output);
    assert.match(guest.output, /guest 'passing' has ended/);
    assert.deepEqual(
      readdirSync(tmpdir()).filter((name) => name.startsWith("virtwright-run-") && !before.includes(name)),
      [],
      "nothing of it is left",
    );
  });

  test("Ctrl-] leaves a guest, and --rm ends it then", async () => {
    await using guest = run("--rm", "--name", "left", "--kernel", linux.kernel, "--initrd", linux.initrd);
    await guest.has(/Ctrl-\] leaves it/, bootMs);
    guest.write(leaveKey);
    assert.equal(await guest.ended(), 0, guest.output);
    assert.match(guest.output, /guest 'left' is ended, and nothing of it is left but its disk/);
    const { status } = spawnSync("pgrep", ["-f", "guest=left,"]);
    assert.equal(status, 1, "its QEMU is gone");
  });

  test("a disk: its system boots; a guest that was left runs on, and the same command comes back to it", {
    skip: missing.length > 0 && `missing: ${missing.join(", ")} (apt-get install ${missing.join(" ")})`,
  }, async () => {
    const disk = join(directory, "small.qcow2");
    await diskImage(linux, disk);
    const args = ["--directory", join(directory, "guests"), disk];
    {
      await using guest = run(...args);
      await guest.has(atPrompt, bootMs);
      guest.write(leaveKey);
      assert.equal(await guest.ended(), 0, guest.output);
      assert.match(guest.output, /guest 'small' runs on; the same command comes back to it/);
    }
    await using again = run(...args);
    await again.has(/guest 'small' is running already: this is its console/);
    again.write("\n");
    await again.has(/guest# /);
    again.write("poweroff -f\n");
    assert.equal(await again.ended(), 0, again.output);
  });
});

suite("virtwright run, without what it needs", () => {
  const kernel = main;

  test("says how to get QEMU where there is none", () => {
    const { status, stderr } = spawnSync(process.execPath, [main, "run", "--rm", "--kernel", kernel], {
      env: { PATH: "/nowhere" },
      encoding: "utf8",
    });
    assert.equal(status, 1);
    assert.match(stderr, /QEMU is missing; to install it: sudo apt-get install qemu-system-/);
  });

  test("says what to write where there is no disk", () => {
    const { status, stderr } = spawnSync(process.execPath, [main, "run", "/nowhere/disk.qcow2"], { encoding: "utf8" });
    assert.equal(status, 1);
    assert.match(stderr, /cannot read \/nowhere\/disk\.qcow2: there is no such file/);
  });
});
