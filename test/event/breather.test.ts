import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Breather, Loop, StateError } from "../../src/event/index.ts";
import { SimHost, SimKernel } from "../../src/testkit/index.ts";

/** A loop that is turned by hand, and work in parts that notes down when it goes on. */
function working() {
  const host = new SimHost(new SimKernel());
  const loop = new Loop(host, { onError: assert.ifError });
  const breather = new Breather(loop);
  const log: string[] = [];
  const work = async (name: string, parts: number): Promise<void> => {
    for (let part = 1; part <= parts; part++) {
      await breather.breathe();
      log.push(`${name}${part}`);
    }
  };
  const turn = async (): Promise<string[]> => {
    loop.runTurn();
    for (let rounds = 0; rounds < 10; rounds++) await Promise.resolve();
    return log.splice(0);
  };
  return { host, loop, breather, work, turn };
}

suite("a breather", () => {
  test("lets work go on in the next turn, not before", async () => {
    const { work, turn, loop } = working();
    const done = work("a", 2);
    assert.deepEqual([await turn(), await turn(), await turn()], [["a1"], ["a2"], []]);
    await done;
    loop.post(() => {});
    assert.deepEqual(await turn(), []);
  });

  test("lets one of all that wait go on in each turn, the longest waiting first", async () => {
    const { work, turn } = working();
    const done = Promise.all([work("a", 3), work("b", 1), work("c", 2)]);
    const turns: string[][] = [];
    for (let count = 0; count < 6; count++) turns.push(await turn());
    assert.deepEqual(turns, [["a1"], ["b1"], ["c1"], ["a2"], ["c2"], ["a3"]]);
    await done;
  });

  test("others have their turn between two parts", async () => {
    const { work, turn, loop } = working();
    const done = work("a", 2);
    const heard: string[] = [];
    loop.post(() => heard.push("other"));
    await turn();
    assert.deepEqual(heard, ["other"]);
    await turn();
    await done;
  });

  test("rejects when the loop is closed, and everything that waits then is let go on before", async () => {
    const { breather, work, turn, loop, host } = working();
    const waiting = work("a", 1);
    const closed = loop.close();
    await turn();
    await waiting;
    host.runUntilIdle();
    await closed;
    await assert.rejects(breather.breathe(), StateError);
  });
});
