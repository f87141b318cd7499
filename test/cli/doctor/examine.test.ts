import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { suite, test } from "node:test";
import { examine, type Finding, findingsText, type Machine } from "../../../src/cli/doctor/examine.ts";

const main = join(import.meta.dirname, "../../../src/cli/main.ts");

function machine(more: Partial<Machine> = {}): Machine {
  return {
    platform: "linux",
    arch: "x64",
    nodeVersion: "24.1.0",
    isRoot: false,
    hasProgram: () => true,
    exists: () => true,
    mayUse: () => true,
    loadNative: async () => undefined,
    ask: async () => "served by libvirt 9.0.0",
    ...more,
  };
}

async function finding(name: string, more: Partial<Machine>): Promise<Finding | undefined> {
  return (await examine(machine(more))).find((each) => each.name === name);
}

suite("the doctor", () => {
  test("finds nothing wrong where everything is there", async () => {
    assert.ok((await examine(machine())).every(({ state }) => state === "ok"));
  });

  test("names the command that installs what is missing, in the words of the machine's package manager", async () => {
    const without = (manager: string): Partial<Machine> => ({ hasProgram: (name) => name === manager });
    const command = async (manager: string): Promise<string | undefined> =>
      (await finding("qemu-system-x86_64", without(manager)))?.command;
    assert.equal(await command("apt-get"), "sudo apt-get install qemu-system-x86");
    assert.equal(await command("pacman"), "sudo pacman -S qemu-base");
    assert.equal((await finding("nft", { ...without("dnf"), isRoot: true }))?.command, "dnf install nftables");
    const none = await finding("qemu-img", { hasProgram: () => false });
    assert.deepEqual([none?.state, none?.command], ["missing", undefined]);
  });

  test("says that remote connections work where native code does not load", async () => {
    const found = await finding("native code", { loadNative: async () => "Cannot find package 'koffi'" });
    assert.equal(found?.state, "note");
    assert.match(found?.detail ?? "", /only remote connections work: Cannot find package/);
  });

  test("looks for a client's things alone where the daemon cannot run", async () => {
    const names = (await examine(machine({ platform: "darwin" }))).map(({ name }) => name);
    assert.deepEqual(names, ["node", "native code", "qemu:///system", "qemu:///session"]);
  });

  test("says what is in the way of a daemon, and of full speed", async () => {
    const refused = { ask: async () => Promise.reject(new Error("nobody there")) };
    assert.equal((await finding("qemu:///system", refused))?.detail, "nobody there");
    assert.match((await finding("/dev/kvm", { mayUse: () => false }))?.command ?? "", /usermod -aG kvm/);
  });

  test("writes a line for each, and the command below it", () => {
    const text = findingsText([
      { name: "node", state: "ok", detail: "24" },
      { name: "qemu-img", state: "missing", detail: "not found", command: "apt-get install qemu-utils" },
    ]);
    assert.equal(
      text,
      "ok       node      24\nmissing  qemu-img  not found\n                   -> apt-get install qemu-utils\n",
    );
  });
});

test("the doctor and the verbs need no native code", () => {
  const missing = `
    import { registerHooks } from "node:module";
    registerHooks({
      resolve: (name, context, next) => {
        if (name === "koffi") throw new Error("Cannot find package 'koffi'");
        return next(name, context);
      },
    });
  `;
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ["--import", `data:text/javascript,${encodeURIComponent(missing)}`, main, ...args], {
      encoding: "utf8",
      timeout: 60_000,
    });
  const { stdout, stderr } = run("doctor", "--json");
  const findings = JSON.parse(stdout || "[]") as Finding[];
  assert.equal(findings.find(({ name }) => name === "native code")?.state, "note", stderr);
  assert.match(
    run("list", "-c", "test+unix:///default?socket=/nonexistent").stderr,
    /^error: failed to connect to the hypervisor\nerror: Failed to connect/,
  );
});
