import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Deferred, type Handle, Scope, StateError } from "../../src/event/index.ts";

suite("a scope", () => {
  test("closes what it owns in reverse order, each after the one before has ended", async () => {
    const { handle, order } = recording();
    const scope = new Scope();
    const slow = new Deferred();
    await scope.add(handle("first"));
    await scope.add(handle("slow", slow.promise));
    await scope.add(handle("last"));
    const closed = scope.close();
    await Promise.resolve();
    assert.deepEqual(order, ["last closes", "last closed", "slow closes"]);
    slow.resolve();
    await closed;
    assert.deepEqual(order.slice(3), ["slow closed", "first closes", "first closed"]);
    assert.equal(scope.size, 0);
  });

  test("closes all even if some fail: one error is rethrown, several are kept together", async () => {
    const { handle, order } = recording();
    const failing = (message: string): Handle => ({ [Symbol.asyncDispose]: () => Promise.reject(new Error(message)) });
    const one = new Scope();
    await one.add(handle("first"));
    await one.add(failing("broken"));
    await assert.rejects(one.close(), { message: "broken" });
    assert.deepEqual(order, ["first closes", "first closed"]);
    const several = new Scope();
    await several.add(failing("a"));
    await several.add(failing("b"));
    await assert.rejects(several.close(), (error) => error instanceof AggregateError && error.errors.length === 2);
  });

  test("closes what is added too late, and says so", async () => {
    const { handle, order } = recording();
    const scope = new Scope();
    await scope.close();
    await assert.rejects(scope.add(handle("late")), StateError);
    assert.deepEqual(order, ["late closes", "late closed"]);
  });

  test("does not close what was given up, even while it was closing others", async () => {
    const { handle, order } = recording();
    const scope = new Scope();
    const given = await scope.add(handle("given up"));
    const slow = new Deferred();
    await scope.add(handle("slow", slow.promise));
    const closed = scope.close();
    assert.equal(scope.release(given), true);
    assert.equal(scope.release(given), false);
    slow.resolve();
    await closed;
    assert.deepEqual(order, ["slow closes", "slow closed"]);
  });

  test("closes once, also by `await using`", async () => {
    const { handle, order } = recording();
    {
      await using scope = new Scope();
      await scope.add(handle("only"));
      await scope.close();
    }
    assert.deepEqual(order, ["only closes", "only closed"]);
  });
});

function recording() {
  const order: string[] = [];
  const handle = (name: string, until?: Promise<void>): Handle => ({
    async [Symbol.asyncDispose]() {
      order.push(`${name} closes`);
      if (until !== undefined) await until;
      order.push(`${name} closed`);
    },
  });
  return { order, handle };
}
