import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { Program } from "./program.ts";

const root = join(import.meta.dirname, "../..");
const missing = ["virsh", "qemu-system-x86_64"].filter((program) => !existsSync(join("/usr/bin", program)));
const skip = missing.length > 0 && `missing: ${missing.join(", ")} (apt-get install libvirt-clients qemu-system-x86)`;

/** The fenced blocks of README.md in this language. */
function readmeBlocks(language: string): string[] {
  const text = readFileSync(join(root, "README.md"), "utf8");
  return [...text.matchAll(/```(\w+)\n(.*?)```/gs)].flatMap(([, name, body = ""]) => (name === language ? [body] : []));
}

function readmeBlock(language: string, start: string): string {
  const found = readmeBlocks(language).find((body) => body.startsWith(start));
  assert.ok(found, `README.md has no ${language} block that starts with ${start}`);
  return found;
}

/** Runs what stands behind each `$ ` in one directory and shell environment: the block as it would really look. */
function transcript(block: string, cwd: string, env: NodeJS.ProcessEnv): string {
  const commands = block.split("\n").filter((line) => line.startsWith("$ "));
  const shown = commands.map((line) => {
    const { output } = spawnSync("sh", ["-c", `(${line.slice(2)}) 2>&1`], {
      cwd,
      env,
      encoding: "utf8",
      timeout: 60_000,
    });
    return `${line}\n${output[1] ?? ""}`;
  });
  return withoutEmptyLines(shown.join(""));
}

function withoutEmptyLines(text: string): string {
  return text.replaceAll(/\n+/g, "\n").replace(/^\n/, "");
}

suite("virtwright start", () => {
  test("serves virsh what README.md shows of simulated guests", {
    skip: !existsSync("/usr/bin/virsh") && "missing: virsh (apt-get install libvirt-clients)",
  }, async () => {
    const directory = mkdtempSync(join(tmpdir(), "virtwright-start-"));
    try {
      const args = [join(root, "src/cli/main.ts"), "start", "--directory", directory];
      await using daemon = new Program(process.execPath, args);
      const [, address = ""] = await daemon.has(/virsh -c '(test[^']+)' list/);
      const env = { ...process.env, LIBVIRT_DEFAULT_URI: address, LC_ALL: "C" };
      await using events = new Program("virsh", ["event", "--all", "--loop"], env);
      await watching(events, env, join(directory, "probe.xml"), "test");

      const blocks = readmeBlocks("console").map((block) => block.replace(/^\$ export .*\n/, ""));
      assert.ok(blocks.length >= 2);
      for (const block of blocks) assert.equal(transcript(block, directory, env), block);

      const told = readmeBlock("text", "event 'lifecycle' for domain 'lab'");
      await events.has(/'lab': Started Snapshot/);
      assert.equal(
        withoutEmptyLines(
          `${events.output
            .split("\n")
            .filter((line) => line.includes("'lab'"))
            .join("\n")}\n`,
        ),
        told,
      );
      assert.ok(existsSync(join(directory, "kept/guests")), "what has a place for it is kept");
      assert.equal(await daemon.end("SIGINT"), 0, daemon.output);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("serves virsh what README.md shows, with a real guest", { skip }, async () => {
    const directory = mkdtempSync(join(tmpdir(), "virtwright's start & more-"));
    try {
      await using daemon = new Program(process.execPath, [
        join(root, "src/cli/main.ts"),
        "start",
        "--directory",
        directory,
      ]);
      const [, address = ""] = await daemon.has(/virsh -c '(qemu[^']+)' start hello/);
      const env = { ...process.env, LIBVIRT_DEFAULT_URI: address, LC_ALL: "C" };
      await using events = new Program("virsh", ["event", "--event", "lifecycle", "--loop"], env);
      await watching(events, env, join(directory, "probe.xml"));

      const commands = readmeBlock("sh", "export LIBVIRT_DEFAULT_URI")
        .split("\n")
        .filter((line) => line.startsWith("virsh "));
      assert.ok(commands.length >= 6);
      for (const command of commands) {
        const result = spawnSync("sh", ["-c", command], { env, encoding: "utf8", timeout: 60_000 });
        assert.equal(result.status, 0, `${command}: ${result.stderr}`);
      }
      await events.has(/Stopped Destroyed/);
      const shown = events.output.split("\n").filter((line) => line.includes("'hello'"));
      assert.equal(`${shown.join("\n")}\n`, readmeBlock("text", "event 'lifecycle' for domain 'hello'"));
      await daemon.has(/hello stopped \(destroyed\)/);
      const test = { ...env, LIBVIRT_DEFAULT_URI: address.replace(/^qemu\+unix:\/\/\/\w+/, "test+unix:///default") };
      assert.match(spawnSync("virsh", ["list"], { env: test, encoding: "utf8" }).stdout, /^ 1 +test +running$/m);
      assert.equal(await daemon.end("SIGTERM"), 0, daemon.output);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("is alone in its directory, and outlives its reader", { skip }, async () => {
    const directory = mkdtempSync(join(tmpdir(), "virtwright-start-"));
    try {
      const args = [join(root, "src/cli/main.ts"), "start", "--directory", directory];
      await using daemon = new Program(process.execPath, args);
      const [, address = ""] = await daemon.has(/virsh -c '(qemu[^']+)' start hello/);
      const virsh = (...args: string[]): string =>
        spawnSync("virsh", ["-q", "-c", address, ...args], { encoding: "utf8", timeout: 60_000 }).stdout.trim();
      daemon.closeOutput();
      virsh("start", "hello");
      await using second = new Program(process.execPath, args);
      await second.has(/is already served: stop that daemon/);
      assert.equal(virsh("domstate", "hello"), "running");
      virsh("destroy", "hello");
      assert.equal(await daemon.end("SIGTERM"), 0, daemon.output);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("without QEMU it says how to get it, serves the test hypervisor, and tells its events", {
    skip: !existsSync("/usr/bin/virsh") && "missing: virsh (apt-get install libvirt-clients)",
  }, async () => {
    const directory = mkdtempSync(join(tmpdir(), "virtwright-start-"));
    try {
      const env = { ...process.env, PATH: "/nowhere" };
      const args = [join(root, "src/cli/main.ts"), "start", "--directory", directory];
      await using daemon = new Program(process.execPath, args, env);
      await daemon.has(/^QEMU is missing; to install it: sudo apt-get install qemu-system-x86$/m);
      await daemon.has(/^virsh is missing; to install it: sudo apt-get install libvirt-clients$/m);
      assert.doesNotMatch(daemon.output, /qemu:\/\/\/|hello/);
      const shown = [...daemon.output.matchAll(/^ {2}virsh -c '(test[^']+)' (.*)$/gm)];
      assert.equal(shown.length, 3);
      for (const [, address = "", words = ""] of shown.slice(0, 2)) {
        const result = spawnSync("/usr/bin/virsh", ["-c", address, ...words.split(" ")], { encoding: "utf8" });
        assert.equal(result.status, 0, result.stderr);
      }
      await daemon.has(/^\d\d:\d\d:\d\d test: test suspended \(paused\)$/m);
      const [, address = ""] = shown[0] ?? [];
      spawnSync("/usr/bin/virsh", ["-c", address, "desc", "test", "--title", "new"]);
      await daemon.has(/ test: test metadata change \(type title\)$/m);
      assert.equal(await daemon.end("SIGINT"), 0, daemon.output);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

/** virsh says nothing once it listens: a guest that comes and goes unnoticed until it is heard shows that it does. */
async function watching(events: Program, env: NodeJS.ProcessEnv, file: string, type = "qemu"): Promise<void> {
  const probe = `<domain type='${type}'><name>probe</name><memory>8192</memory><os><type>hvm</type></os></domain>`;
  writeFileSync(file, probe);
  for (let tries = 0; tries < 100 && !events.output.includes("'probe'"); tries++) {
    spawnSync("virsh", ["define", file], { env, timeout: 30_000 });
    spawnSync("virsh", ["undefine", "probe"], { env, timeout: 30_000 });
    await new Promise((resolve) => setImmediate(resolve));
  }
  await events.has(/'probe'/);
}
