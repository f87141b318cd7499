import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { closeSync, fstatSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { listenUnix, openLoop } from "../../src/os/index.ts";
import {
  type Call,
  ErrorCode,
  ErrorDomain,
  type Procedure,
  publicFunction,
  remote,
  type StreamCall,
  VirError,
} from "../../src/protocol/index.ts";
import { Connection, type IncomingCall, type Stream } from "../../src/rpc/index.ts";
import { decode } from "../../src/xdr/index.ts";
import { openDescriptors } from "../os/descriptors.ts";
import { bytesOf, vol } from "./packets.ts";

const python = "/usr/bin/python3";
const script = join(import.meta.dirname, "libvirt-client.py");
const hasLibvirt = spawnSync(python, ["-c", "import libvirt"]).status === 0;
const skip = hasLibvirt ? false : "no libvirt for /usr/bin/python3: apt-get install python3-libvirt";

const rows = new Map(Object.entries<Procedure>(remote.procedures).map(([name, row]) => [row.number, { name, row }]));
const dom = { name: "hello", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 7 };

interface Volume {
  readonly length: bigint;
  readonly flags: number;
}

/** A server of a few lines: what it was asked to do with streams and descriptors stands in `heard`. */
class Server {
  readonly heard: string[] = [];

  readonly #plain: Readonly<Record<string, (args: never, call: IncomingCall) => unknown>> = {
    authList: () => ({ types: [0] }),
    connectOpen: () => ({}),
    connectClose: () => ({}),
    connectSupportsFeature: ({ feature }: { feature: number }) => ({ supported: feature === 8 ? 1 : 0 }),
    connectGetType: () => ({ type: "Fake" }),
    storageVolLookupByPath: () => ({ vol }),
    domainLookupByName: () => ({ dom }),
    domainFdAssociate: (_, call) => {
      const fds = call.takeFds();
      this.heard.push(`descriptors of ${new Set(fds.map((fd) => fstatSync(fd).ino)).size} file`);
      for (const fd of fds) closeSync(fd);
      return {};
    },
  };

  readonly #streams: Readonly<Record<string, (stream: Stream, args: Volume) => Promise<void>>> = {
    storageVolDownload: async (stream, { flags }) => {
      for (let count = 0; count < 50; count++) {
        await stream.write(new Uint8Array(100_000));
        if (flags === 1 && count % 10 === 0) await stream.writeHole(1_000_000n);
      }
      await stream.finish();
    },
    storageVolUpload: async (stream, { length }) => {
      let [data, holes] = [0, 0n];
      for await (const part of stream.parts()) {
        if (part instanceof Uint8Array) data += part.length;
        else holes += part.hole;
        if (length > 0n && data > length) {
          return stream.abort(
            VirError.system(ErrorDomain.streams, 28, "cannot write to stream: No space left on device"),
          );
        }
      }
      this.heard.push(`${data} bytes, holes of ${holes}`);
      await stream.finish();
    },
    domainOpenConsole: async (stream) => {
      await stream.write(bytesOf("login: "));
      for await (const bytes of stream) await stream.write(Buffer.concat([bytesOf("hello "), bytes]));
      await stream.finish();
    },
    domainScreenshot: async (stream) => {
      await stream.write(bytesOf("picture"));
      await stream.finish();
    },
  };

  onCall(call: IncomingCall): void {
    const { name, row } = rows.get(call.header.procedure) ?? assert.fail();
    assert.ok(row.kind === "call");
    const args = decode(row.args, call.args);
    if (row.stream !== undefined) return this.#openStream(call, name, row as StreamCall, args);
    if (name === "domainOpenGraphicsFd") return passFile(call, row);
    const plain = this.#plain[name];
    const api = publicFunction(name, row) ?? name;
    if (plain === undefined) return call.fail(VirError.of(ErrorCode.noSupport, ErrorDomain.test, api));
    call.reply<unknown>(row.ret, plain(args as never, call));
  }

  #openStream(call: IncomingCall, name: string, row: StreamCall, args: unknown): void {
    const stream = call.openStream(row, args, name === "domainScreenshot" ? { mime: "image/png" } : {});
    const note = (error: Error): void => {
      this.heard.push(`${name}: ${error.message}`);
    };
    this.#streams[name]?.(stream, args as Volume).catch(note);
  }
}

function passFile(call: IncomingCall, row: Call): void {
  const fd = openSync(script, "r");
  call.reply<unknown>(row.ret, {}, [fd]);
  closeSync(fd);
}

function runScript(socket: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve) => {
    execFile(python, [script, socket], { timeout: 30_000 }, (_, stdout, stderr) => resolve({ stdout, stderr }));
  });
}

describe("libvirt's own client", { skip }, () => {
  it("downloads, uploads, uses a console, and passes descriptors", async () => {
    const folder = mkdtempSync(join(tmpdir(), "virtwright-"));
    const before = openDescriptors();
    const loop = openLoop();
    const server = new Server();
    const releaseFds = (fds: readonly number[]): void => fds.forEach((fd) => closeSync(fd));
    const connections: Connection[] = [];
    const listener = listenUnix(loop, join(folder, "sock"), {}, (transport) => {
      const connection = new Connection(loop, transport, { passesFds: true, releaseFds });
      connection.open({ onCall: (call) => server.onCall(call), onClose: () => {} });
      connections.push(connection);
    });
    const { stdout, stderr } = await runScript(join(folder, "sock"));
    assert.equal(stderr, "");
    assert.deepEqual(stdout.trimEnd().split("\n"), [
      "download 5000000",
      "sparse download 5000000 5000000",
      "left early Fake",
      "uploaded",
      "refused 38 38 28 Fake",
      "console b'login: '",
      "console b'hello root\\n'",
      "screenshot image/png b'picture'",
      `descriptors b'"""'`,
    ]);
    assert.deepEqual(server.heard, [
      "storageVolDownload: operation aborted: the peer has aborted the stream",
      "storageVolDownload: the client has finished the stream: it takes no more data",
      "3000000 bytes, holes of 0",
      "3 bytes, holes of 4096",
      "descriptors of 1 file",
    ]);
    for (const connection of connections) await connection[Symbol.asyncDispose]();
    listener.close();
    await loop.close();
    assert.deepEqual(openDescriptors(), before);
    rmSync(folder, { recursive: true });
  });
});
