import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { open } from "../../src/open/index.ts";
import { ServedSimulator, stirUntil } from "./served-simulator.ts";

suite("a command whose output goes nowhere", { timeout: 60_000 }, () => {
  const statuses = 'echo "${PIPESTATUS[@]}"';

  test("ends without a word when its reader has left", async () => {
    await using simulator = new ServedSimulator();
    for (const name of ["help", "list"]) {
      const { out, error } = await simulator.shell(`"$@" | true; ${statuses}`, [name]);
      assert.deepEqual([out, error], ["141 0\n", ""], name);
    }
  });

  test("ends so while it waits for events, and its connection in order", async () => {
    await using simulator = new ServedSimulator();
    await using connection = await open(simulator.uri);
    const events = simulator.shell(`"$@" | head -1; ${statuses}`, ["event", "--all", "--loop"]);
    const { out, error } = await stirUntil(connection, events);
    assert.match(out, /^event 'lifecycle' for domain 'test': \w+ \w+\n141 0\n$/);
    assert.equal(error, "");
  });

  test("says what is wrong when it cannot be written", async () => {
    await using simulator = new ServedSimulator();
    const { status, error } = await simulator.shell('"$@" >/dev/full', ["list"]);
    assert.deepEqual(
      [status, error],
      [1, "error: cannot write what is to be said: ENOSPC: no space left on device, write\n"],
    );
    const mute = await simulator.shell('"$@" >/dev/full 2>/dev/full', ["list"]);
    assert.equal(mute.status, 1);
  });
});
