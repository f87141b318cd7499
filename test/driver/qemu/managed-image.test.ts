import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { Operations } from "../../../src/driver/qemu/operations.ts";
import type { Domain } from "../../../src/model/index.ts";
import { Bench, uuid, xml } from "./bench.ts";

/** A defined guest and a file where its managed image is to be. */
async function withImage(context: TestContext, bytes: Buffer): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), "vw-managed-"));
  context.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, `${uuid}.save`);
  writeFileSync(path, bytes);
  const bench = new Bench();
  const operations = new Operations({
    ...bench.options,
    directories: { ...bench.options.directories, save: directory },
  });
  await operations.saves.load();
  await bench.done(operations.define(xml(), {}));
  return { bench, operations, path, domain: operations.guests.domains.byUuid(uuid) };
}

interface World {
  readonly bench: Bench;
  readonly operations: Operations;
  readonly path: string;
  readonly domain: Domain;
}

/** How a start ends; looking at a file takes turns that nobody can count. */
async function start({ bench, operations, domain }: World, forceBoot = false): Promise<string> {
  const outcome = bench.watch(operations.start(domain, { forceBoot }, {}));
  for (let rounds = 0; !outcome.isSettled && rounds < 10_000; rounds++) await bench.hand.settle();
  return outcome.result ?? "still waiting";
}

/** An image up to its definition. */
function image(magic: string, ...words: number[]): Buffer {
  const bytes = Buffer.alloc(16 + 19 * 4);
  bytes.write(magic, "latin1");
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, 16 + 4 * index);
  return bytes;
}

const unfinished: Readonly<Record<string, Buffer>> = {
  "is empty": Buffer.alloc(0),
  "has no whole header": image("LibvirtQemudSave", 2, 4).subarray(0, 50),
  "is marked as not complete": Buffer.concat([image("LibvirtQemudPart", 2, 4), Buffer.from("<d/>")]),
  "is marked as not complete, and says nothing else": image("LibvirtQemudPart"),
};

const unreadable: Readonly<Record<string, readonly [bytes: Buffer, complaint: string]>> = {
  "is all zeros": [Buffer.alloc(65_536), "image magic is incorrect"],
  "is no image": [Buffer.from("x".repeat(5_000)), "image magic is incorrect"],
  "is a newer version's": [image("LibvirtQemudSave", 3, 4), "image version is not supported (3 > 2)"],
  "has no definition": [image("LibvirtQemudSave", 2, 0), "invalid header data length: 0"],
  "is cut off": [image("LibvirtQemudSave", 2, 400), "failed to read domain XML"],
};

// What libvirtd 9.0 does with each of these files, asked of it.
suite("a guest whose managed image", () => {
  for (const [what, bytes] of Object.entries(unfinished)) {
    test(`${what} begins anew, and the image is gone`, async (context) => {
      const world = await withImage(context, bytes);
      assert.deepEqual([await start(world), existsSync(world.path)], ["ok", false]);
      assert.equal(world.bench.log.at(-1), "started booted");
      assert.match(String(world.bench.reported), /domain 'hello' begins anew: its image .* was never finished/);
    });
  }

  for (const [what, [bytes, complaint]] of Object.entries(unreadable)) {
    test(`${what} does not start until somebody decides, and the image stays`, async (context) => {
      const world = await withImage(context, bytes);
      assert.equal(await start(world), `operation failed: ${complaint}`);
      assert.deepEqual([existsSync(world.path), world.bench.host.launched.length], [true, 0]);
      assert.deepEqual([await start(world, true), existsSync(world.path)], ["ok", false]);
    });
  }
});
