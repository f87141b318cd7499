import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { remote } from "../../src/protocol/index.ts";
import { Connection, clientOf, type IncomingCall, pairInMemory, type StreamPart } from "../../src/rpc/index.ts";
import { decode } from "../../src/xdr/index.ts";
import { sparse, vol } from "./packets.ts";
import { World } from "./world.ts";

const rows = remote.procedures;

/** A server that sends to each download the parts of the list whose index the call names as its offset. */
function sender(lists: readonly (readonly StreamPart[])[]): (call: IncomingCall) => void {
  return (call) => {
    const row = rows.storageVolDownload;
    if (call.header.procedure !== row.number) return call.reply(rows.connectGetType.ret, { type: "Fake" });
    const args = decode(row.args, call.args);
    const stream = call.openStream(row, args, {});
    const send = async (): Promise<void> => {
      for (const part of lists[Number(args.offset)] ?? []) {
        if (part instanceof Uint8Array) await stream.write(part);
        else await stream.writeHole(part.hole);
      }
      await stream.finish();
    };
    send().catch((error: unknown) => call.fail(error as never));
  };
}

/** Bytes and holes in one piece, however they were cut. */
function joined(parts: readonly StreamPart[]): string[] {
  const all: string[] = [];
  for (const part of parts) {
    if (!(part instanceof Uint8Array)) all.push(`hole ${part.hole}`);
    else if (part.length > 0 && /^[0-9a-f]+$/.test(all.at(-1) ?? ""))
      all.push(all.pop() + Buffer.from(part).toString("hex"));
    else if (part.length > 0) all.push(Buffer.from(part).toString("hex"));
  }
  return all;
}

describe("streams between two ends", () => {
  it("bring all data in order, beside each other and beside calls, however slowly it is read", async () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 1, max: 600_000 }).map((length) => new Uint8Array(length).fill(length)),
      fc.bigInt({ min: 0n, max: 2n ** 40n }).map((hole) => ({ hole })),
    );
    const lists = fc.array(fc.array(part, { maxLength: 6 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(lists, fc.integer({ min: 1, max: 400_000 }), fc.boolean(), async (sent, unread, pauses) => {
        const world = new World();
        const [near, far] = pairInMemory(world.loop);
        const server = new Connection(world.loop, far);
        server.open({ onCall: sender(sent), onClose: () => {} });
        const connection = new Connection(world.loop, near, { unread: { ofOne: unread, ofAll: 2 * unread } });
        connection.open({ onClose: () => {} });
        const client = clientOf(connection, remote);
        const download = async (index: number): Promise<string[]> => {
          const { stream } = await client.storageVolDownload({ vol, offset: BigInt(index), length: 0n, flags: sparse });
          const parts: StreamPart[] = [];
          for await (const each of stream.parts()) {
            parts.push(each);
            if (pauses) await new Promise<void>((resolve) => world.loop.post(resolve));
          }
          await stream.finish();
          return joined(parts);
        };
        const received = Promise.all(sent.map((_, index) => download(index)));
        const types = Promise.all(Array.from({ length: 5 }, () => client.connectGetType({})));
        assert.deepEqual(await world.settle(received), sent.map(joined));
        assert.equal((await world.settle(types)).length, 5);
        connection.close();
        world.run();
        assert.deepEqual([world.errors, world.loop.size], [[], 0]);
      }),
      { numRuns: 60 },
    );
  });
});
