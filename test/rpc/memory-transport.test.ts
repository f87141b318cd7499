import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StateError, type Transport } from "../../src/event/index.ts";
import { pairInMemory } from "../../src/rpc/index.ts";
import { World } from "./world.ts";

/** Opens a transport and writes down what it says. */
function listen(transport: Transport): string[] {
  const heard: string[] = [];
  transport.open({
    onData: (bytes) => heard.push(Buffer.from(bytes).toString()),
    onDrain: () => heard.push("drain"),
    onClose: (cause) => heard.push(cause === undefined ? "closed" : `closed: ${cause.message}`),
  });
  return heard;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("two transports in memory", () => {
  it("carry bytes in order, in later turns", () => {
    const world = new World();
    const [one, other] = pairInMemory(world.loop);
    listen(one);
    const heard = listen(other);
    one.send(bytes("a"));
    one.send(bytes("b"));
    assert.deepEqual(heard, []);
    assert.equal(one.backlog, 2);
    world.run();
    assert.deepEqual(heard, ["a", "b"]);
    assert.equal(one.backlog, 0);
  });

  it("tell when all that was sent has been read", () => {
    const world = new World();
    const [one, other] = pairInMemory(world.loop);
    const heard = listen(one);
    listen(other);
    one.send(bytes("a"));
    one.send(bytes("b"));
    world.run();
    assert.deepEqual(heard, ["drain"]);
  });

  it("wait while the reader pauses, and while it is not open", () => {
    const world = new World();
    const [one, other] = pairInMemory(world.loop);
    listen(one);
    one.send(bytes("early"));
    world.run();
    const heard = listen(other);
    world.run();
    other.pause();
    one.send(bytes("later"));
    world.run();
    assert.deepEqual(heard, ["early"]);
    other.resume();
    world.run();
    assert.deepEqual(heard, ["early", "later"]);
  });

  it("deliver what was sent before a close, then close on both ends, once", () => {
    const world = new World();
    const [one, other] = pairInMemory(world.loop);
    const own = listen(one);
    const heard = listen(other);
    one.send(bytes("last"));
    one.close(new Error("enough"));
    one.close();
    one.send(bytes("dropped"));
    other.send(bytes("late"));
    world.run();
    assert.deepEqual(heard, ["last", "closed"]);
    assert.deepEqual(own, ["closed: enough"]);
  });

  it("hear nothing after their own close", () => {
    const world = new World();
    const [one, other] = pairInMemory(world.loop);
    listen(one);
    const heard = listen(other);
    one.send(bytes("a"));
    other.close();
    world.run();
    assert.deepEqual(heard, ["closed"]);
  });

  it("say what cannot be done", () => {
    const world = new World();
    const [one] = pairInMemory(world.loop);
    assert.throws(() => one.send(bytes("a")), StateError);
    listen(one);
    assert.throws(() => listen(one), StateError);
    assert.throws(() => one.send(bytes("a"), [3]), StateError);
  });
});
