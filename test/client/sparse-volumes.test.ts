import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { StreamPart, Volume } from "../../src/client/index.ts";
import { objectOf } from "../../src/client/objects.ts";
import type { Reading } from "../../src/client/values.ts";
import { readableOf } from "../../src/client/web-streams.ts";
import { remote } from "../../src/protocol/index.ts";
import { Connection, type IncomingCall, pairInMemory, type Stream } from "../../src/rpc/index.ts";
import { decode } from "../../src/xdr/index.ts";
import { vol } from "../rpc/packets.ts";
import { World } from "../rpc/world.ts";

const { storageVolDownload, storageVolUpload } = remote.procedures;
/** What is in the volume; what is uploaded goes behind it. */
const content: readonly StreamPart[] = [Uint8Array.of(1, 2), { hole: 100_000n }, Uint8Array.of(3)];

async function serve(call: IncomingCall, received: StreamPart[]): Promise<void> {
  if (call.header.procedure === storageVolDownload.number) {
    const stream = call.openStream(storageVolDownload, decode(storageVolDownload.args, call.args), {});
    for (const part of content) {
      if (part instanceof Uint8Array) await stream.write(part);
      else await stream.writeHole(part.hole);
    }
    return stream.finish();
  }
  const stream = call.openStream(storageVolUpload, decode(storageVolUpload.args, call.args), {});
  for await (const part of stream.parts()) received.push(part instanceof Uint8Array ? part.slice() : part);
  await stream.finish();
}

/** A volume whose calls go to a server in memory. */
function setUp() {
  const world = new World();
  const received: StreamPart[] = [];
  const [near, far] = pairInMemory(world.loop);
  const server = new Connection(world.loop, far);
  server.open({
    onCall: (call) => void serve(call, received).catch((error: unknown) => call.fail(error as never)),
    onClose: () => {},
  });
  const client = new Connection(world.loop, near);
  client.open({ onClose: () => {} });
  const open = (row: "storageVolDownload" | "storageVolUpload", flags: number) =>
    client.openStream(remote, row, { vol, offset: 0n, length: 0n, flags });
  const invoke = async (row: string, _self: object, [, { flags }]: [unknown, { flags: string }], answer: Reading) => {
    assert.equal(flags, "sparseStream");
    return answer(await open(row as "storageVolUpload", 1), () => undefined);
  };
  const volume: Volume = objectOf({ invoke } as never, "volume", vol);
  return { world, received, volume, open };
}

async function partsOf<T>(stream: ReadableStream<T>): Promise<T[]> {
  const parts: T[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

suite("a volume with holes", () => {
  test("is read with its holes as such", async () => {
    const { world, volume } = setUp();
    const stream = await world.settle(volume.downloadSparse({ offset: 0, length: 0 }));
    assert.deepEqual((await world.settle(partsOf(stream))).map(plain), content.map(plain));
  });

  test("is read as zeros by whoever asks for bytes alone", async () => {
    const { world, open } = setUp();
    const { stream } = await world.settle(open("storageVolDownload", 1));
    const bytes = Buffer.concat(await world.settle(partsOf(readableOf(stream as Stream))));
    assert.equal(bytes.compare(Buffer.concat([Buffer.of(1, 2), Buffer.alloc(100_000), Buffer.of(3)])), 0);
  });

  test("is written with holes, for which nothing is sent", async () => {
    const { world, volume, received } = setUp();
    const stream = await world.settle(volume.uploadSparse({ offset: 0, length: 0 }));
    const write = async (): Promise<void> => {
      const writer = stream.getWriter();
      for (const part of content) await writer.write(part);
      await writer.close();
    };
    await world.settle(write());
    assert.deepEqual(received.map(plain), content.map(plain));
  });
});

function plain(part: StreamPart): readonly number[] | bigint {
  return part instanceof Uint8Array ? [...part] : part.hole;
}
