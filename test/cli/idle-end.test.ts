import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { IdleEnd } from "../../src/cli/idle-end.ts";
import { Serving } from "../daemon/serving.ts";

function idle(hasGuests = false) {
  const serving = new Serving();
  let ends = 0;
  const state = { hasGuests };
  const end = new IdleEnd(
    serving.world.loop,
    serving.daemon,
    async () => state.hasGuests,
    () => ends++,
  );
  const pass = async (ms: number): Promise<number> => {
    serving.world.pass(ms);
    await new Promise((resolve) => setImmediate(resolve));
    serving.world.run();
    return ends;
  };
  return { serving, end, state, pass };
}

suite("the end of an idle daemon", () => {
  test("comes when nobody has been connected for so long", async () => {
    const { end, pass } = idle();
    end.set(10);
    assert.equal(await pass(9_999), 0);
    assert.equal(await pass(1), 1);
  });

  test("waits for clients, and counts from when the last has left", async () => {
    const { serving, end, pass } = idle();
    end.set(10);
    const client = serving.connect();
    assert.equal(await pass(30_000 - 1), 0);
    client.connection.close();
    assert.equal(await pass(9_000), 0);
    assert.equal(await pass(5_000), 1);
  });

  test("does not come while guests run", async () => {
    const { end, state, pass } = idle(true);
    end.set(10);
    assert.equal(await pass(10_000), 0);
    state.hasGuests = false;
    assert.equal(await pass(10_000), 1);
  });

  test("can be called off, and is when the daemon ends otherwise", async () => {
    const { end, pass } = idle();
    end.set(10);
    end.set(0);
    assert.equal(await pass(60_000), 0);
    end[Symbol.dispose]();
    end.set(10);
    assert.equal(await pass(60_000), 0);
  });
});
