import assert from "node:assert/strict";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { openLoop, pairUnix } from "../../src/os/index.ts";
import { remote } from "../../src/protocol/index.ts";
import { Connection, type ConnectionOptions, clientOf, type IncomingCall } from "../../src/rpc/index.ts";
import { decode } from "../../src/xdr/index.ts";
import { openDescriptors } from "../os/descriptors.ts";
import { vol } from "./packets.ts";

const rows = remote.procedures;
const dom = { name: "hello", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 7 };
const whole = { vol, offset: 0n, length: 0n, flags: 0 };
const options: ConnectionOptions = {
  passesFds: true,
  releaseFds: (fds) => {
    for (const fd of fds) closeSync(fd);
  },
};

/** Runs `body` with a client and a server on a real socket, and sees that no descriptor is left. */
async function withEnds(onCall: (call: IncomingCall) => void, body: (client: Connection) => Promise<void>) {
  const before = openDescriptors();
  const loop = openLoop();
  const [near, far] = pairUnix(loop);
  const server = new Connection(loop, far, options);
  server.open({ onCall, onClose: () => {} });
  const client = new Connection(loop, near, options);
  client.open({ onClose: () => {} });
  await body(client);
  client.close();
  await Promise.all([client.closed, server.closed]);
  await loop.close();
  assert.deepEqual(openDescriptors(), before);
}

describe("a connection over a Unix socket", () => {
  it("passes descriptors both ways, between messages that have none", async () => {
    const path = import.meta.filename;
    const open = openSync(path, "r");
    const seen: number[] = [];
    const onCall = (call: IncomingCall): void => {
      if (call.header.procedure === rows.connectGetType.number) {
        return call.reply(rows.connectGetType.ret, { type: "Fake" });
      }
      if (call.fdCount > 1) return call.reply(rows.domainOpenGraphicsFd.ret, {});
      const [fd = -1] = call.takeFds();
      seen.push(fstatSync(fd).ino);
      call.reply(rows.domainOpenGraphicsFd.ret, {}, [fd]);
      closeSync(fd);
    };
    await withEnds(onCall, async (client) => {
      const args = { dom, idx: 0, flags: 0 };
      const [type, opened, again] = await Promise.all([
        client.call(remote, "connectGetType", {}),
        client.callForFds(remote, "domainOpenGraphicsFd", args, { fds: [open] }),
        client.call(remote, "connectGetType", {}),
      ]);
      assert.deepEqual([type, again], [{ type: "Fake" }, { type: "Fake" }]);
      const [fd = -1] = opened.fds;
      assert.equal(readFileSync(fd, "utf8"), readFileSync(path, "utf8"));
      assert.deepEqual(seen, [fstatSync(open).ino]);
      closeSync(fd);
      // Those that nobody takes are closed, here and there.
      await client.call(remote, "domainOpenGraphicsFd", args, { fds: [open, open, open] });
    });
    closeSync(open);
  });

  it("carries streams as fast as they are read, and calls beside them", async () => {
    const onCall = (call: IncomingCall): void => {
      if (call.header.procedure === rows.connectGetType.number)
        return call.reply(rows.connectGetType.ret, { type: "Fake" });
      const stream = call.openStream(rows.storageVolDownload, decode(rows.storageVolDownload.args, call.args), {});
      const send = async (): Promise<void> => {
        for (let count = 0; count < 40; count++) await stream.write(new Uint8Array(200_000).fill(count));
        await stream.finish();
      };
      send().catch((error: unknown) => stream.abort(error));
    };
    await withEnds(onCall, async (client) => {
      const functions = clientOf(client, remote);
      const download = async (): Promise<number> => {
        const { stream } = await functions.storageVolDownload(whole);
        let length = 0;
        for await (const bytes of stream) {
          length += bytes.length;
          if (length % 7 === 0) await functions.connectGetType({});
        }
        await stream.finish();
        return length;
      };
      assert.deepEqual(await Promise.all([download(), download(), download()]), Array(3).fill(8_000_000));
    });
  });
});
