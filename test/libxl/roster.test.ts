import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ProcessRoster } from "../../src/libxl/index.ts";
import { identifyProcess, openLoop, type ProcessIdentity } from "../../src/os/index.ts";

function identityOf({ pid = 0 }: ChildProcess): ProcessIdentity {
  return identifyProcess(pid) ?? assert.fail("it has ended");
}

test("whoever comes next hears when the last process of those before it has ended", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-"));
  t.after(() => rmSync(directory, { recursive: true }));
  await using loop = openLoop();
  const children = [0, 1].map(() => spawn("sleep", ["60"]));
  const [one = assert.fail(), other = assert.fail()] = children;
  t.after(() => children.forEach((child) => child.kill()));
  const first = new ProcessRoster(loop, directory);
  await first.eldersEnded;
  for (const child of children) first.enter(identityOf(child));
  const { pid } = identityOf(one);
  // One that had that number before.
  writeFileSync(join(directory, `${pid}-1`), "");
  first.close();

  const next = new ProcessRoster(loop, directory);
  let isOver = false;
  void next.eldersEnded.then(() => (isOver = true));
  one.kill();
  await once(one, "exit");
  while (readdirSync(directory).length > 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isOver, false);
  other.kill();
  await next.eldersEnded;
  assert.deepEqual(readdirSync(directory), []);
  next.close();
});

test("a process that has left is not waited for, and nobody waits any more once it is closed", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-"));
  t.after(() => rmSync(directory, { recursive: true }));
  await using loop = openLoop();
  const child = spawn("sleep", ["60"]);
  t.after(() => child.kill());
  const first = new ProcessRoster(loop, directory);
  first.enter(identityOf(child));
  first.leave(identityOf(child));
  await new ProcessRoster(loop, directory).eldersEnded;
  first.enter(identityOf(child));
  writeFileSync(join(directory, "of another's"), "");
  const { size } = loop;
  const next = new ProcessRoster(loop, directory);
  assert.equal(loop.size, size + 2, "one process, and how long it may take");
  next.close();
  await new Promise<void>((resolve) => loop.post(resolve));
  assert.equal(loop.size, size);
});

test("a process that does not end is ended by force", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-"));
  t.after(() => rmSync(directory, { recursive: true }));
  await using loop = openLoop();
  const child = spawn("sleep", ["60"]);
  t.after(() => child.kill());
  const exit = once(child, "exit");
  new ProcessRoster(loop, directory).enter(identityOf(child));
  const next = new ProcessRoster(loop, directory, 0);
  await next.eldersEnded;
  assert.deepEqual(await exit, [null, "SIGKILL"]);
  next.close();
});
