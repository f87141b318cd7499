import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Deferred } from "../../src/event/index.ts";

suite("a deferred result", () => {
  test("settles once, and what comes later has no effect", async () => {
    const deferred = new Deferred<number>();
    assert.equal(deferred.state, "pending");
    deferred.resolve(1);
    deferred.resolve(2);
    deferred.reject(new Error("too late"));
    assert.equal(deferred.state, "fulfilled");
    assert.equal(await deferred.promise, 1);
  });

  test("is heard synchronously, also by those who come after it was settled", () => {
    const deferred = new Deferred();
    const heard: string[] = [];
    deferred.whenSettled(() => heard.push("early"));
    assert.equal(heard.length, 0);
    deferred.resolve();
    assert.equal(heard.length, 1);
    deferred.whenSettled(() => heard.push("late"));
    assert.deepEqual(heard, ["early", "late"]);
  });

  test("gives the same promise every time, and rejects it with its reason", async () => {
    const deferred = new Deferred();
    assert.equal(deferred.promise, deferred.promise);
    deferred.reject(new Error("broken"));
    await assert.rejects(deferred.promise, { message: "broken" });
  });

  test("makes no promise that nobody asked for, so that a rejection goes unheard without harm", () => {
    new Deferred().reject(new Error("nobody listens"));
  });
});
