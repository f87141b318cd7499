import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { StateError } from "../../src/event/index.ts";
import { PidFile } from "../../src/os/pid-file.ts";
import { openDescriptors } from "./descriptors.ts";

suite("PidFile", () => {
  let directory: string;
  let path: string;
  let before: string[];

  beforeEach(() => {
    before = openDescriptors();
    directory = mkdtempSync(join(tmpdir(), "virtwright-test-"));
    path = join(directory, "daemon.pid");
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
    assert.deepEqual(openDescriptors(), before);
  });

  test("has the number of the process while it is held, and is gone afterwards", () => {
    const file = new PidFile(path);
    assert.equal(readFileSync(path, "utf8"), `${process.pid}\n`);
    file.release();
    file.release();
    assert.ok(!existsSync(path));
  });

  test("has one holder, whose number the next is told", () => {
    using _ = new PidFile(path);
    const expected = `process ${process.pid} holds ${path}: stop that daemon first`;
    assert.throws(
      () => new PidFile(path),
      (error) => error instanceof StateError && error.message === expected,
    );
    assert.equal(readFileSync(path, "utf8"), `${process.pid}\n`);
  });

  test("is taken over from a process that has ended without releasing it", () => {
    const module = JSON.stringify(join(import.meta.dirname, "../../src/os/pid-file.ts"));
    const code = `const { PidFile } = await import(${module}); new PidFile(${JSON.stringify(path)}); process.exit(7);`;
    assert.equal(spawnSync(process.execPath, ["--input-type=module", "-e", code], { timeout: 30_000 }).status, 7);
    assert.ok(existsSync(path));
    writeFileSync(path, "123456789\n");
    using _ = new PidFile(path);
    assert.equal(readFileSync(path, "utf8"), `${process.pid}\n`);
  });

  test("does not write to where a link leads", () => {
    const other = join(directory, "precious");
    writeFileSync(other, "precious");
    symlinkSync(other, path);
    assert.throws(() => new PidFile(path), { code: "ELOOP" });
    assert.equal(readFileSync(other, "utf8"), "precious");
  });
});
