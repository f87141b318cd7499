import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { suite, test } from "node:test";
import { WebSocketStream } from "../../src/net/index.ts";

/** A frame as a client sends it. */
function frame(opcode: number, content: Uint8Array, { fin = true, masked = true, reserved = 0 } = {}): Buffer {
  const { length } = content;
  const mask = Buffer.from([1, 2, 3, 4]);
  const size =
    length < 126 ? [length] : length < 65_536 ? [126, length >> 8, length & 0xff] : [127, 0, 0, 0, 0, ...word(length)];
  size[0] = (size[0] as number) | (masked ? 0x80 : 0);
  const body = masked ? content.map((byte, index) => byte ^ (mask[index & 3] as number)) : content;
  return Buffer.concat([
    Buffer.from([(fin ? 0x80 : 0) | reserved | opcode, ...size]),
    masked ? mask : Buffer.alloc(0),
    body,
  ]);
}

const word = (value: number): number[] => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

interface Pair extends AsyncDisposable {
  /** Under the stream. */
  readonly socket: Socket;
  readonly client: Socket;
  readonly stream: WebSocketStream;
}

async function pair(): Promise<Pair> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const client = connect(port, "127.0.0.1");
  const [socket] = await accepted;
  const stream = new WebSocketStream(socket, Buffer.alloc(0));
  stream.on("error", () => {});
  return {
    client,
    socket,
    stream,
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      stream.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

async function read(stream: NodeJS.ReadableStream, length: number): Promise<number[]> {
  const got: number[] = [];
  while (got.length < length) {
    const part = stream.read() as Buffer | null;
    if (part === null) await once(stream as unknown as Socket, "readable");
    else got.push(...part);
  }
  return got;
}

suite("a WebSocket's stream", () => {
  test("gives the bytes of messages, however they are cut into frames and packets", async () => {
    await using both = await pair();
    const long = new Uint8Array(70_000).map((_, index) => index & 0xff);
    const all = Buffer.concat([
      frame(2, bytes(1, 2), { fin: false }),
      frame(9, bytes(9)),
      frame(0, bytes(3, 4, 5)),
      frame(2, bytes()),
      frame(2, new Uint8Array(200).fill(7)),
      frame(2, long),
    ]);
    // Each byte of the heads by itself.
    for (let index = 0; index < 40; index++) both.client.write(all.subarray(index, index + 1));
    both.client.write(all.subarray(40));
    const got = await read(both.stream, 5 + 200 + long.length);
    assert.deepEqual(got.slice(0, 6), [1, 2, 3, 4, 5, 7]);
    assert.deepEqual(got.slice(205), [...long]);
    assert.deepEqual(await read(both.client, 3), [0x8a, 1, 9], "the ping was answered");
  });

  test("writes whole messages of bytes, of any length", async () => {
    await using both = await pair();
    for (const [length, head] of [
      [3, [0x82, 3]],
      [300, [0x82, 126, 1, 44]],
      [70_000, [0x82, 127, 0, 0, 0, 0, ...word(70_000)]],
    ] as const) {
      both.stream.write(Buffer.alloc(length, 5));
      const got = await read(both.client, head.length + length);
      assert.deepEqual(got.slice(0, head.length), head);
      assert.equal(
        got.slice(head.length).every((byte) => byte === 5),
        true,
      );
    }
  });

  for (const [what, sent, code] of [
    ["bytes that are not masked", frame(2, bytes(1), { masked: false }), 1_002],
    ["bits that nobody has agreed on", frame(2, bytes(1), { reserved: 0x40 }), 1_002],
    ["text", frame(1, bytes(65)), 1_003],
    ["a kind that is not there", frame(3, bytes(1)), 1_002],
    ["a ping in parts", frame(9, bytes(1), { fin: false }), 1_002],
    ["a long ping", frame(9, new Uint8Array(126)), 1_002],
    [
      "a length beyond all numbers",
      Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]),
      1_002,
    ],
    ["the end", frame(8, bytes(3, 232)), 1_000],
  ] as const)
    test(`ends with ${what}, says so, and reads nothing behind it`, async () => {
      await using both = await pair();
      both.client.write(Buffer.concat([sent, frame(2, bytes(66))]));
      const got: number[] = [];
      both.stream.on("data", (part: Buffer) => got.push(...part));
      const ended = once(both.stream, "end");
      assert.deepEqual(await read(both.client, 4), [0x88, 2, code >> 8, code & 0xff]);
      await ended;
      assert.deepEqual(got, []);
    });

  test("answers no more pings than fit into what a client leaves unread", async () => {
    await using both = await pair();
    both.client.pause();
    both.stream.resume();
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(9, new Uint8Array(125))));
    // What the kernel takes is not ours to count.
    const sent = Buffer.concat([...Array.from({ length: 100 }, () => pings), frame(2, bytes(7))]);
    const read = once(both.stream, "data");
    both.client.write(sent);
    await read;
    assert.ok(both.socket.writableLength < 66_000, `${both.socket.writableLength} bytes wait`);
  });

  test("keeps nothing of what comes behind a broken frame", async ({ mock }) => {
    await using both = await pair();
    both.stream.resume();
    both.client.write(frame(1, bytes(65)));
    await once(both.stream, "end");
    const concat = mock.method(Buffer, "concat");
    for (let count = 0; count < 10; count++) both.socket.emit("data", Buffer.alloc(1_000));
    assert.equal(concat.mock.callCount(), 0);
  });

  test("does not read on while nobody takes what has come", async () => {
    await using both = await pair();
    let sent = 0;
    for (let count = 0; count < 200; count++) {
      both.client.write(frame(2, new Uint8Array(65_536)));
      sent += 65_536;
    }
    await once(both.stream, "readable");
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.ok(both.stream.readableLength < 1_000_000, `${both.stream.readableLength} bytes of ${sent} were read`);
  });
});
