import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { writableOf } from "../../src/client/web-streams.ts";
import { remote } from "../../src/protocol/index.ts";
import { Connection, pairInMemory, type Stream } from "../../src/rpc/index.ts";
import { decode } from "../../src/xdr/index.ts";
import { vol } from "../rpc/packets.ts";
import { World } from "../rpc/world.ts";

const { storageVolUpload } = remote.procedures;

/** A stream to a server that opens it and reads nothing until it is told to. */
async function setUp() {
  const world = new World();
  const [near, far] = pairInMemory(world.loop);
  const server = new Connection(world.loop, far);
  const served: Stream[] = [];
  server.open({
    onCall: (call) => void served.push(call.openStream(storageVolUpload, decode(storageVolUpload.args, call.args), {})),
    onClose: () => {},
  });
  const client = new Connection(world.loop, near);
  client.open({ onClose: () => {} });
  const args = { vol, offset: 0n, length: 0n, flags: 0 };
  const { stream } = await world.settle(client.openStream(remote, "storageVolUpload", args));
  return { world, stream, theirs: served[0] as Stream };
}

/** Turns and lets promises go on, until nothing more comes of it. */
async function rest(world: World): Promise<void> {
  for (let rounds = 0; rounds < 60; rounds++) {
    world.run();
    await Promise.resolve();
  }
}

/** Reads on until it fails. */
function read(stream: Stream): { received: () => number; failed: Promise<unknown> } {
  let bytes = 0;
  const reading = async (): Promise<void> => {
    for await (const part of stream) bytes += part.length;
  };
  return {
    received: () => bytes,
    failed: reading().then(
      () => undefined,
      (error: unknown) => error,
    ),
  };
}

suite("a web stream to a peer that reads nothing", () => {
  test("is aborted though a write waits for room", async () => {
    const { world, stream, theirs } = await setUp();
    const writer = writableOf(stream).getWriter();
    const writes = Array.from({ length: 40 }, () => writer.write(new Uint8Array(262_144)));
    for (const write of writes) write.catch(() => {});
    await rest(world);
    const reason = new Error("enough");
    await world.settle(writer.abort(reason));
    await assert.rejects(world.settle(writes.at(-1) as Promise<void>), reason);
    assert.equal(stream.state, "closed");
    const { received, failed } = read(theirs);
    assert.match(String(await world.settle(failed)), /abort/);
    assert.ok(received() < 40 * 262_144, "what was not sent is not sent any more");
  });

  test("is aborted though its end waits to be confirmed", async () => {
    const { world, stream, theirs } = await setUp();
    const writer = writableOf(stream).getWriter();
    const closed = writer.close();
    closed.catch(() => {});
    await rest(world);
    writer.abort(new Error("enough")).catch(() => {});
    await assert.rejects(world.settle(closed), /enough/);
    await rest(world);
    assert.deepEqual([stream.state, theirs.state], ["closed", "closed"]);
  });
});
