import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import type { Loop } from "../../src/event/index.ts";
import {
  findUser,
  identifyProcess,
  openLoop,
  openProcess,
  type Process,
  type ProcessExit,
  type ProcessIdentity,
  SystemError,
  spawnDetached,
  watchProcess,
} from "../../src/os/index.ts";
import * as libc from "../../src/os/libc.ts";
import { openDescriptors, openEvent, silence } from "../os/descriptors.ts";

suite("processes", () => {
  let loop: Loop;
  let before: string[];
  let directory: string;
  let started: Process[];

  beforeEach(() => {
    before = openDescriptors();
    loop = openLoop();
    directory = mkdtempSync(join(tmpdir(), "virtwright-test-"));
    started = [];
  });

  afterEach(async () => {
    for (const process of started) {
      process.signal("SIGKILL");
      process.close();
    }
    await loop.close();
    rmSync(directory, { recursive: true });
    assert.deepEqual(openDescriptors(), before);
  });

  async function spawn(...parameters: Parameters<typeof spawnDetached>): Promise<Process> {
    const process = await spawnDetached(...parameters);
    started.push(process);
    return process;
  }

  const sleeper = (): Promise<Process> => spawn("sleep", ["60"]);

  function exitOf(target: Process | number | ProcessIdentity): Promise<ProcessExit> {
    return new Promise((resolve) => watchProcess(loop, target, resolve));
  }

  test("a child's exit is reported with its code", async () => {
    assert.deepEqual(await exitOf(await spawn("sh", ["-c", "exit 3"])), { code: 3 });
  });

  const rootOnly = { skip: process.getuid?.() === 0 ? false : "only root can start programs as somebody else" };
  test("a child is another user, with the groups of an account or with its own alone", rootOnly, async () => {
    const log = join(directory, "ids");
    // Groups of an account come from the machine: whoever is in several here, or else nobody.
    const nobody = findUser("nobody") ?? assert.fail("there is no user nobody");
    const expected = spawnSync("id", ["-G", "nobody"], { encoding: "utf8" }).stdout.trim().split(" ");
    for (const [user, groups] of [
      [{ ...nobody, gid: 7 }, ["7", ...expected.filter((each) => each !== "7")]],
      [{ uid: 64_055, gid: 64_056, hasAccount: false }, ["64056"]],
    ] as const) {
      const exit = await exitOf(await spawn("sh", ["-c", "id -u; id -g; id -G"], { stdout: log, user }));
      assert.deepEqual(exit, { code: 0 });
      const [uid, gid, all = ""] = readFileSync(log, "utf8").trim().split("\n");
      assert.deepEqual([uid, gid, all.split(" ").sort()], [String(user.uid), String(user.gid), [...groups].sort()]);
      rmSync(log);
    }
  });

  test("a program that is to be another user and is not there has failed, and says so", rootOnly, async () => {
    const log = join(directory, "words");
    const user = { uid: 64_055, gid: 64_055, hasAccount: false };
    const child = await spawn("/no/such", [], { stderr: log, user });
    assert.deepEqual(await exitOf(child), { code: 127 });
    assert.match(readFileSync(log, "utf8"), /failed to execute \/no\/such: No such file or directory/);
  });

  test("a child's death is reported with the signal", async () => {
    const child = await sleeper();
    const exit = exitOf(child);
    assert.ok(child.signal("SIGTERM"));
    assert.deepEqual(await exit, { signal: "SIGTERM" });
    assert.equal(child.signal("SIGTERM"), false, "nobody is there any more");
  });

  test("each watch reports once, on the loop, and a removed one never", async () => {
    const child = await sleeper();
    const reports: string[] = [];
    watchProcess(loop, child, () => reports.push("first"));
    const removed = watchProcess(loop, child, () => reports.push("removed"));
    removed.remove();
    const exit = exitOf(child);
    child.signal("SIGKILL");
    await exit;
    await new Promise<void>((resolve) => loop.post(resolve));
    assert.deepEqual(reports, ["first"]);
  });

  test("a child that has ended before it is watched is reported all the same", async () => {
    const child = await spawn("true", []);
    await exitOf(child);
    assert.deepEqual(await exitOf(child), { code: 0 });
  });

  test("a process is known to be ending as soon as what it had open is closed, before its end is told", async () => {
    const fifo = join(directory, "fifo");
    spawnSync("mkfifo", [fifo]);
    const reading = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    const writing = openSync(fifo, constants.O_WRONLY);
    const child = await spawn("sleep", ["0.05"], { fds: [writing] });
    closeSync(writing);
    assert.equal(child.isEnding, false);
    const exit = exitOf(child);
    const deadline = performance.now() + 10_000;
    // Without a turn for Node, so that nobody reaps it.
    while (!isClosed(reading)) assert.ok(performance.now() < deadline);
    assert.equal(child.isEnding, true);
    closeSync(reading);
    assert.deepEqual(await exit, { code: 0 });
    assert.equal(child.isEnding, true);
  });

  test("a process that is not our child is watched as well", async () => {
    const output = join(directory, "pid");
    const parent = await spawn("sh", ["-c", "sleep 60 & echo $!"], { stdout: output });
    await exitOf(parent);
    const grandchild = openProcess(Number(readFileSync(output, "utf8")));
    assert.ok(grandchild !== undefined);
    started.push(grandchild);
    const exit = exitOf(grandchild.identity);
    grandchild.signal("SIGKILL");
    assert.deepEqual(await exit, {});
  });

  test("it outlives us: its own session, nothing of ours open but what it was given", async () => {
    const event = openEvent();
    const passed = openEvent();
    const child = await spawn("sleep", ["60"], { fds: [passed], cwd: directory, env: { ONLY: "this" } });
    const stat = readFileSync(`/proc/${child.pid}/stat`, "latin1").split(") ")[1]?.split(" ");
    assert.equal(Number(stat?.[3]), child.pid, "session");
    assert.equal(readlinkSync(`/proc/${child.pid}/cwd`), directory);
    assert.equal(readFileSync(`/proc/${child.pid}/environ`, "latin1"), "ONLY=this\0");
    const open = [0, 1, 2, 3].map((fd) => readlinkSync(`/proc/${child.pid}/fd/${fd}`));
    assert.deepEqual(open, ["/dev/null", "/dev/null", "/dev/null", "anon_inode:[eventfd]"]);
    assert.throws(() => readlinkSync(`/proc/${child.pid}/fd/4`), { code: "ENOENT" });
    for (const fd of [event, passed]) libc.close(fd);
  });

  test("a passed descriptor works on the other side", async () => {
    const event = openEvent();
    const child = await spawn("sh", ["-c", "printf '\\005\\0\\0\\0\\0\\0\\0\\0' >&3"], { fds: [event] });
    await exitOf(child);
    assert.equal(silence(event), 5);
    libc.close(event);
  });

  test("output goes to files, appended, or to descriptors that stay ours", async () => {
    const log = join(directory, "log");
    await exitOf(await spawn("sh", ["-c", "echo out; echo err >&2"], { stdout: log, stderr: log }));
    const fd = openSync(log, "a");
    await exitOf(await spawn("echo", ["again"], { stdout: fd }));
    closeSync(fd);
    await exitOf(await spawn("cat", [], { stdin: log, stdout: join(directory, "copy") }));
    assert.equal(readFileSync(join(directory, "copy"), "utf8"), "out\nerr\nagain\n");
  });

  test("what cannot be started is an error that says why, and leaves nothing open", async () => {
    const isMissing = (error: unknown): boolean => error instanceof SystemError && error.code === "ENOENT";
    await assert.rejects(spawn("/no/such/program", [], { stdout: join(directory, "log") }), isMissing);
    await assert.rejects(spawn("true", [], { cwd: "/no/such/directory" }), /no\/such\/directory is missing/);
  });

  test("an identity finds its process again, and no other with the same number", async () => {
    const child = await sleeper();
    assert.deepEqual(identifyProcess(child.pid), child.identity);
    const again = openProcess(child.identity);
    assert.deepEqual(again?.identity, child.identity);
    again?.close();
    assert.equal(openProcess({ pid: child.pid, startTime: child.identity.startTime - 1 }), undefined);
  });

  test("a name with spaces and parentheses does not confuse the identity", async () => {
    const odd = join(directory, "a) S 1 (b");
    symlinkSync("/bin/sleep", odd);
    const child = await spawn(odd, ["60"]);
    const plain = await sleeper();
    assert.ok(Math.abs(plain.identity.startTime - child.identity.startTime) < 6000);
  });

  test("a process that is gone cannot be opened, and watching it says so", async () => {
    const child = await spawn("true", []);
    await exitOf(child);
    assert.equal(openProcess(child.identity), undefined);
    assert.throws(() => watchProcess(loop, child.identity, () => {}), { code: "ESRCH" });
  });

  test("a closed process cannot be signalled; the process itself goes on, and so does its watch", async () => {
    const child = await spawnDetached("sleep", ["60"]);
    const exit = exitOf(child);
    child.close();
    child.close();
    assert.throws(() => child.signal("SIGKILL"), { name: "StateError" });
    const again = openProcess(child.identity);
    assert.ok(again !== undefined);
    started.push(again);
    again.signal("SIGKILL");
    assert.deepEqual(await exit, { signal: "SIGKILL" });
  });
});

/** Whether all writers of a pipe are gone. */
function isClosed(reading: number): boolean {
  try {
    return readSync(reading, Buffer.alloc(1)) === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
    throw error;
  }
}
