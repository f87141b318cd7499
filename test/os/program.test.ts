import assert from "node:assert/strict";
import { test } from "node:test";
import { runProgram } from "../../src/os/index.ts";

test("a program gets its arguments and its input as they are", async () => {
  const input = "a;b $(id)\n";
  const end = await runProgram("/bin/cat", ["-", "--", "/dev/null"], { timeoutMs: 10_000, input });
  assert.deepEqual(end, { code: 0, stdout: input, stderr: "" });
  const echoed = await runProgram("/bin/echo", ["$(id)", "a  b", "*"], { timeoutMs: 10_000 });
  assert.equal(echoed.stdout, "$(id) a  b *\n");
});

test("how a program ends is told, by itself or by its deadline", async () => {
  assert.equal((await runProgram("/bin/false", [], { timeoutMs: 10_000 })).code, 1);
  const late = await runProgram("/bin/sleep", ["1000"], { timeoutMs: 1 });
  assert.deepEqual([late.code, late.signal], [undefined, "SIGKILL"]);
});

test("a program does not outlive its caller's patience", async () => {
  const giving = new AbortController();
  const running = runProgram("/bin/sleep", ["1000"], { timeoutMs: 10_000, signal: giving.signal });
  giving.abort(new Error("enough"));
  await assert.rejects(running, /enough/);
  await assert.rejects(runProgram("/bin/sleep", ["1000"], { timeoutMs: 1, signal: giving.signal }), /enough/);
});

test("a program that is not there, or reads nothing, is told", async () => {
  await assert.rejects(runProgram("/nowhere", [], { timeoutMs: 10_000 }), { code: "ENOENT" });
  const input = "x".repeat(1_000_000);
  assert.equal((await runProgram("/bin/true", [], { timeoutMs: 10_000, input })).code, 0);
});
