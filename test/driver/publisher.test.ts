import assert from "node:assert/strict";
import { test } from "node:test";
import { Publisher } from "../../src/driver/publisher.ts";

function raise(error: unknown): never {
  throw error;
}

test("after leaving a listener hears nothing, not even the event that is being told", () => {
  const publisher = new Publisher<number>(raise);
  const heard: string[] = [];
  let leave = (): void => {};
  publisher.subscribe((event) => {
    heard.push(`a${event}`);
    leave();
  });
  leave = publisher.subscribe((event) => heard.push(`b${event}`));
  publisher.publish(1);
  assert.deepEqual(heard, ["a1"]);
});

test("who comes while an event is told hears the next one first", () => {
  const publisher = new Publisher<number>(raise);
  const heard: string[] = [];
  const leave = publisher.subscribe(() => {
    leave();
    publisher.subscribe((event) => heard.push(`late${event}`));
  });
  publisher.publish(1);
  publisher.publish(2);
  assert.deepEqual(heard, ["late2"]);
});

test("all listeners hear all events in one order, even when a listener publishes", () => {
  const publisher = new Publisher<number>(raise);
  const heard: string[] = [];
  publisher.subscribe((event) => {
    heard.push(`a${event}`);
    if (event === 1) publisher.publish(2);
  });
  publisher.subscribe((event) => heard.push(`b${event}`));
  publisher.publish(1);
  assert.deepEqual(heard, ["a1", "b1", "a2", "b2"]);
});

test("a listener that throws is reported and hurts nobody else", () => {
  const errors: unknown[] = [];
  const publisher = new Publisher<number>((error) => errors.push(error));
  const heard: number[] = [];
  publisher.subscribe(() => {
    throw new Error("listener");
  });
  publisher.subscribe((event) => heard.push(event));
  publisher.publish(1);
  assert.deepEqual([heard, errors.length], [[1], 1]);
});

test("an error that nobody takes does not silence what comes next", () => {
  const publisher = new Publisher<number>(raise);
  const heard: number[] = [];
  const leave = publisher.subscribe(() => raise(new Error("listener")));
  publisher.subscribe((event) => heard.push(event));
  assert.throws(() => publisher.publish(1), /listener/);
  leave();
  publisher.publish(2);
  assert.deepEqual(heard, [2]);
});

test("one function may listen twice, and leave once", () => {
  const publisher = new Publisher<number>(raise);
  let count = 0;
  const listener = (): void => {
    count++;
  };
  const leave = publisher.subscribe(listener);
  publisher.subscribe(listener);
  publisher.publish(1);
  leave();
  publisher.publish(2);
  assert.equal(count, 3);
});
