import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, beforeEach, suite, test } from "node:test";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/event-loop.ts";
import { connectInbox, openInbox } from "../../src/os/inbox.ts";
import { openDescriptors } from "./descriptors.ts";

/** The sender's end works in the loop's own thread too; test/integration/os-threads.test.ts has real threads. */
suite("Inbox", () => {
  let loop: Loop;
  let before: string[];
  let errors: unknown[];

  beforeEach(() => {
    before = openDescriptors();
    errors = [];
    loop = openLoop({ onError: (error) => errors.push(error) });
  });

  afterEach(async () => {
    await loop.close();
    assert.deepEqual(openDescriptors(), before);
  });

  /** Collects values until "end" comes. */
  function collect(onValue: (value: string) => unknown = () => {}) {
    const values: string[] = [];
    const ended = Promise.withResolvers<void>();
    const inbox = openInbox<string>(loop, (value) => {
      if (value === "end") return ended.resolve();
      values.push(value);
      return onValue(value);
    });
    return { inbox, values, ended: ended.promise };
  }

  test("delivers what each sender posts, in its order", async () => {
    const { inbox, values, ended } = collect();
    const one = connectInbox<string>(inbox.newAddress());
    const other = connectInbox<string>(inbox.newAddress());
    for (const number of [1, 2, 3]) {
      assert.ok(one.post(`one ${number}`));
      assert.ok(other.post(`other ${number}`));
    }
    one.post("end");
    await ended;
    assert.deepEqual(
      values.filter((value) => value.startsWith("one")),
      ["one 1", "one 2", "one 3"],
    );
    assert.deepEqual(
      values.filter((value) => value.startsWith("other")),
      ["other 1", "other 2", "other 3"],
    );
  });

  test("more values than one turn takes leave room for the others in between", async () => {
    let posts = 0;
    const { inbox, values, ended } = collect(() => {
      if (values.length === 1) loop.post(() => posts++);
      if (values.length === 999) assert.equal(posts, 1, "a post was not kept waiting behind 1,000 values");
    });
    const outbox = connectInbox<string>(inbox.newAddress());
    for (let count = 0; count < 1000; count++) outbox.post("value");
    outbox.post("end");
    await ended;
    assert.equal(values.length, 1000);
    assert.deepEqual(errors, []);
  });

  test("an error in the callback is reported, and the next value comes", async () => {
    const { inbox, ended } = collect((value) => {
      throw new Error(value);
    });
    const outbox = connectInbox<string>(inbox.newAddress());
    for (const value of ["one", "two", "end"]) outbox.post(value);
    await ended;
    assert.deepEqual(errors, [new Error("one"), new Error("two")]);
  });

  test("an async callback is awaited before the next value", async () => {
    let running = 0;
    let most = 0;
    const { inbox, values, ended } = collect(async () => {
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
    });
    const outbox = connectInbox<string>(inbox.newAddress());
    for (const value of ["one", "two", "three", "end"]) outbox.post(value);
    await ended;
    assert.deepEqual([values.length, most], [3, 1]);
  });

  test("after close nothing is delivered, and post says so", async () => {
    const values: string[] = [];
    const inbox = openInbox<string>(loop, (value) => {
      values.push(value);
      inbox.close();
    });
    const outbox = connectInbox<string>(inbox.newAddress());
    for (const value of ["one", "two", "three"]) outbox.post(value);
    await inbox.closed;
    assert.deepEqual(values, ["one"]);
    assert.equal(outbox.post("late"), false);
    assert.throws(() => inbox.newAddress(), { name: "StateError" });
    await new Promise<void>((resolve) => loop.post(resolve));
    assert.deepEqual(values, ["one"]);
  });

  test("what was posted before the outbox closed still arrives, and the others go on", async () => {
    const { inbox, values, ended } = collect();
    const address = inbox.newAddress();
    const portClosed = once(address.port, "close");
    const outbox = connectInbox<string>(address);
    outbox.post("last");
    outbox.close();
    assert.equal(outbox.post("late"), false);
    await portClosed;
    const other = connectInbox<string>(inbox.newAddress());
    other.post("other");
    other.post("end");
    await ended;
    assert.deepEqual(values, ["last", "other"]);
  });

  test("on a closed loop it is refused and leaves nothing behind", async () => {
    await loop.close();
    const open = openDescriptors();
    assert.throws(() => openInbox(loop, () => {}), { name: "StateError" });
    assert.deepEqual(openDescriptors(), open);
  });

  test("a value that cannot be cloned throws at the sender and holds nothing up", async () => {
    const { inbox, values, ended } = collect();
    const outbox = connectInbox<unknown>(inbox.newAddress());
    assert.throws(() => outbox.post(() => {}), { name: "DataCloneError" });
    outbox.post("fine");
    outbox.post("end");
    await ended;
    assert.deepEqual(values, ["fine"]);
  });
});
