import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { SubscriptionTable } from "../../src/daemon/subscription-table.ts";

suite("what a peer wants to hear", () => {
  test("is told on when one event could not be told, where somebody has to be asked", async () => {
    let tell: (event: string) => void = () => {};
    const [told, errors]: [string[], unknown[]] = [[], []];
    const table = new SubscriptionTable<null, string>({
      subscribe: (listener) => {
        tell = listener;
        return () => {};
      },
      issueCallbackId: () => 1,
      filter: () => () => true,
      deliver: (_, event) => {
        if (event === "bad") throw new Error("no such event");
        told.push(event);
      },
      mayHear: (event) => event === "last" || Promise.resolve(true),
      onError: (error) => errors.push((error as Error).message),
    });
    table.add(null);
    for (const event of ["first", "bad", "next"]) tell(event);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    assert.deepEqual([told, errors], [["first", "next"], ["no such event"]]);
    tell("bad");
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    tell("last");
    assert.deepEqual(told, ["first", "next", "last"], "nothing waits for one that has failed");
  });
});
