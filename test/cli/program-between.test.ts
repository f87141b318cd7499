import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { atTerminal, withoutTerminal } from "./pseudo-terminal.ts";
import { main, ServedSimulator } from "./served-simulator.ts";

suite("a command that reaches its hypervisor by a program", { skip: withoutTerminal, timeout: 60_000 }, () => {
  test("ends when it has its answer, whatever else that program has started", async () => {
    await using simulator = new ServedSimulator();
    const since = performance.now();
    const { status, out } = await simulator.shell('"$@"', ["list", "--name"], simulator.through("sleep 20 <&- >&- &"));
    assert.deepEqual([status, out], [0, "test\n\n"]);
    assert.ok(performance.now() - since < 15_000);
  });

  test("can have its job aborted by Ctrl-C, of which the program hears nothing", async () => {
    await using simulator = new ServedSimulator();
    const uri = `${simulator.through("")}&fault=delay:domainManagedSave:25000`;
    const command = [process.execPath, main, "-c", uri, "managedsave", "test"];
    const { status, screen } = await atTerminal(command, [[" %", "\x03"]], simulator.directory);
    assert.match(screen, /the job on domain 'test' is aborted/);
    assert.equal(status, 1);
  });
});
