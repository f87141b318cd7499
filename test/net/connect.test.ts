import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { reachProgram } from "../../src/net/connect.ts";
import { openLoop } from "../../src/os/index.ts";

suite("a program that is spoken with", { timeout: 20_000 }, () => {
  /** What its end is explained by, and how long that took in ms. */
  async function endOf(script: string): Promise<{ message: string | undefined; tookMs: number }> {
    await using loop = openLoop();
    const since = performance.now();
    const transport = await reachProgram(loop, "/bin/sh", ["-c", script]);
    const cause = await new Promise<Error | undefined>((resolve) =>
      transport.open({ onData: () => {}, onClose: resolve }),
    );
    return { message: cause?.message, tookMs: performance.now() - since };
  }

  test("ends with its status and what it has said", async () => {
    assert.equal((await endOf("echo no such host >&2; exit 3")).message, "/bin/sh ended with status 3: no such host");
    assert.equal((await endOf("kill -9 $$")).message, "/bin/sh was ended by SIGKILL");
    assert.equal((await endOf("exit 0")).message, undefined);
  });

  test("ends though what it has started goes on, and keeps its standard error", async () => {
    const { message, tookMs } = await endOf("sleep 15 <&- >&- & echo no such host >&2; exit 3");
    assert.equal(message, "/bin/sh ended with status 3: no such host");
    assert.ok(tookMs < 10_000, `${tookMs} ms`);
  });

  test("that cannot be run says why", async () => {
    assert.match((await endOf("exec /nonexistent")).message ?? "", /ended with status 127: .*\/nonexistent.*not found/);
  });
});
