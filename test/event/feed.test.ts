import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Feed, OverflowError, StateError } from "../../src/event/index.ts";

async function all<T>(feed: Feed<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of feed) values.push(value);
  return values;
}

suite("a feed", () => {
  test("delivers every value in order, those pushed before anybody listened and those after", async () => {
    const feed = new Feed<number>();
    feed.push(1);
    feed.push(2);
    const values = all(feed);
    feed.push(3);
    feed.end();
    assert.deepEqual(await values, [1, 2, 3]);
    assert.equal(feed.state, "closed");
  });

  test("delivers what waits, then throws the cause of its end", async () => {
    const feed = new Feed<number>();
    feed.push(1);
    feed.end(new Error("the connection broke"));
    const values: number[] = [];
    await assert.rejects(
      async () => {
        for await (const value of feed) values.push(value);
      },
      { message: "the connection broke" },
    );
    assert.deepEqual(values, [1]);
  });

  test("tells a listener that waits already of its end", async () => {
    const ended = new Feed<number>();
    const values = all(ended);
    ended.end();
    assert.deepEqual(await values, []);
    const broken = new Feed<number>();
    const rejected = assert.rejects(all(broken), { message: "broken" });
    broken.end(new Error("broken"));
    await rejected;
  });

  test("takes nothing after its end or after its listener has left, and says so", async () => {
    const ended = new Feed<number>();
    ended.end();
    assert.equal(ended.push(1), false);
    const left = new Feed<number>();
    assert.equal(left.push(1), true);
    left.close();
    assert.deepEqual([left.push(2), left.size], [false, 0]);
    assert.deepEqual(await all(left), []);
  });

  test("closes when its listener leaves the iteration", async () => {
    let closes = 0;
    const feed = new Feed<number>({ onClose: () => closes++ });
    for (const value of [1, 2, 3]) feed.push(value);
    for await (const value of feed) if (value === 2) break;
    assert.deepEqual([feed.state, feed.size, closes], ["closed", 0, 1]);
    feed.close();
    assert.equal(closes, 1);
  });

  test("ends rather than lose a value when its listener does not keep up", async () => {
    const feed = new Feed<number>({ limit: 2 });
    assert.deepEqual([feed.push(1), feed.push(2), feed.push(3), feed.push(4)], [true, true, false, false]);
    const values: number[] = [];
    await assert.rejects(async () => {
      for await (const value of feed) values.push(value);
    }, OverflowError);
    assert.deepEqual(values, [1, 2]);
  });

  test("has one listener, who asks for one value at a time", async () => {
    const feed = new Feed<number>();
    const iterator = feed[Symbol.asyncIterator]();
    assert.throws(() => feed[Symbol.asyncIterator](), StateError);
    const first = iterator.next();
    assert.throws(() => iterator.next(), StateError);
    feed.close();
    assert.deepEqual(await first, { done: true, value: undefined });
    assert.deepEqual(await iterator.next(), { done: true, value: undefined });
  });

  test("is closed by `await using`", async () => {
    const feed = new Feed<number>();
    {
      await using scoped = feed;
      scoped.push(1);
    }
    assert.equal(feed.state, "closed");
  });
});
