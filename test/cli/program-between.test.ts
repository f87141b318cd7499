import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { ServedSimulator } from "./served-simulator.ts";

suite("a command that reaches its hypervisor by a program", { timeout: 60_000 }, () => {
  test("ends when it has its answer, whatever else that program has started", async () => {
    await using simulator = new ServedSimulator();
    const since = performance.now();
    const { status, out } = await simulator.shell('"$@"', ["list", "--name"], simulator.through("sleep 20 <&- >&- &"));
    assert.deepEqual([status, out], [0, "test\n\n"]);
    assert.ok(performance.now() - since < 15_000);
  });
});
