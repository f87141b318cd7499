import assert from "node:assert/strict";
import { Duplex, PassThrough } from "node:stream";
import { suite, test } from "node:test";
import { Loop, TimerHost } from "../../src/event/index.ts";
import { DuplexTransport, nodeTimers } from "../../src/net/index.ts";
import { Inlet } from "../../src/net/inlet.ts";

/** Two streams connected with each other, in memory. */
function pair(): [Duplex, Duplex] {
  const [forth, back] = [new PassThrough(), new PassThrough()];
  return [
    Duplex.from({ readable: back, writable: forth }) as Duplex,
    Duplex.from({ readable: forth, writable: back }) as Duplex,
  ];
}

interface Heard {
  readonly bytes: number[];
  drains: number;
  readonly closed: Promise<Error | undefined>;
}

function listen(transport: DuplexTransport): Heard {
  const bytes: number[] = [];
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  const heard: Heard = { bytes, drains: 0, closed: promise };
  transport.open({
    onData: (chunk) => void bytes.push(...chunk),
    onDrain: () => heard.drains++,
    onClose: resolve,
  });
  return heard;
}

const turns = async (count = 20): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

suite("a transport over a stream of Node's", () => {
  const errors: unknown[] = [];
  const openLoop = (): Loop => new Loop(new TimerHost(nodeTimers), { onError: (error) => errors.push(error) });

  test("carries bytes both ways", async () => {
    await using loop = openLoop();
    const [one, other] = pair().map((stream) => new DuplexTransport(loop, stream)) as [
      DuplexTransport,
      DuplexTransport,
    ];
    const [near, far] = [listen(one), listen(other)];
    one.send(Uint8Array.of(1, 2));
    other.send(Uint8Array.of(3));
    await turns();
    assert.deepEqual([near.bytes, far.bytes], [[3], [1, 2]]);
    one.close();
    assert.equal(await near.closed, undefined);
    assert.equal(await far.closed, undefined);
    assert.deepEqual(errors, []);
  });

  test("says when all has left, if some of it had to wait", async () => {
    await using loop = openLoop();
    const taken: (() => void)[] = [];
    const stream = new Duplex({
      read: () => {},
      write: (bytes: Uint8Array, _encoding, done) => void (bytes.length > 1 ? taken.push(done) : done()),
    });
    const transport = new DuplexTransport(loop, stream);
    const near = listen(transport);
    transport.send(Uint8Array.of(1));
    assert.equal(transport.backlog, 0);
    await turns();
    assert.equal(near.drains, 0);
    transport.send(Uint8Array.of(1, 2));
    transport.send(Uint8Array.of(3));
    assert.equal(transport.backlog, 3);
    await turns();
    taken.shift()?.();
    await turns();
    assert.deepEqual([transport.backlog, near.drains], [0, 1]);
  });

  test("hands what a socket has read on at once, without waiting for a turn", async () => {
    await using loop = openLoop();
    const inlet = new Inlet();
    const transport = new DuplexTransport(loop, new PassThrough(), { inlet });
    const near = listen(transport);
    await turns();
    (inlet.reading.buffer as Uint8Array).set([1, 2, 3]);
    inlet.reading.callback(3, inlet.reading.buffer as Uint8Array);
    assert.deepEqual(near.bytes, [1, 2, 3]);
    transport.close();
    await near.closed;
  });

  test("hands nothing on while it is paused, and everything afterwards, the end at the end", async () => {
    await using loop = openLoop();
    const [one, other] = pair().map((stream) => new DuplexTransport(loop, stream)) as [
      DuplexTransport,
      DuplexTransport,
    ];
    listen(one);
    const far = listen(other);
    other.pause();
    one.send(Uint8Array.of(1));
    one.close();
    await turns();
    assert.deepEqual(far.bytes, []);
    other.resume();
    assert.equal(await far.closed, undefined);
    assert.deepEqual(far.bytes, [1]);
  });

  test("ends with the stream's error as its cause", async () => {
    await using loop = openLoop();
    const stream = new Duplex({ read: () => {}, write: (_bytes, _encoding, done) => done() });
    const near = listen(new DuplexTransport(loop, stream));
    stream.destroy(new Error("gone"));
    assert.equal((await near.closed)?.message, "gone");
  });

  test("ends with the reason behind the end, where somebody knows it", async () => {
    await using loop = openLoop();
    const [stream, other] = pair();
    const near = listen(
      new DuplexTransport(loop, stream, { reason: Promise.resolve(new Error("ended with status 255")) }),
    );
    other.end();
    assert.equal((await near.closed)?.message, "ended with status 255");
  });

  test("takes what is sent after its end, and drops it", async () => {
    await using loop = openLoop();
    const [stream] = pair();
    const transport = new DuplexTransport(loop, stream);
    const near = listen(transport);
    transport.close();
    transport.send(Uint8Array.of(1));
    assert.equal(await near.closed, undefined);
    assert.equal(transport.backlog, 0);
  });
});
