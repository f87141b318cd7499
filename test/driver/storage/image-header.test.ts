import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { type ImageHeader, readHeader } from "../../../src/driver/storage/image-header.ts";

const directory = mkdtempSync(join(tmpdir(), "vw-image-"));
after(() => rmSync(directory, { recursive: true }));

async function headerOf(bytes: Uint8Array): Promise<ImageHeader> {
  const path = join(directory, "image");
  writeFileSync(path, bytes);
  await using file = await open(path, "r");
  return await readHeader(file);
}

/** A qcow2 header of version 3 with the format of its backing file in an extension, and that file's name behind. */
function qcow2(backing: string, format: string): Buffer {
  const bytes = Buffer.alloc(1024);
  bytes.write("QFI\xfb", "latin1");
  bytes.writeUInt32BE(3, 4);
  bytes.writeBigUInt64BE(512n, 8);
  bytes.writeUInt32BE(backing.length, 16);
  bytes.writeUInt32BE(16, 20);
  bytes.writeBigUInt64BE(10_485_760n, 24);
  bytes.writeBigUInt64BE(16n, 72);
  bytes.writeBigUInt64BE(1n, 80);
  bytes.writeUInt32BE(104, 100);
  bytes.writeUInt32BE(0xe279_2aca, 104);
  bytes.writeUInt32BE(format.length, 108);
  bytes.write(format, 112, "latin1");
  bytes.write(backing, 512, "latin1");
  return bytes;
}

describe("the first bytes of an image", () => {
  it("say what a qcow2 is, and what is behind it", async () => {
    assert.deepEqual(await headerOf(qcow2("/images/base", "raw")), {
      format: "qcow2",
      capacity: 10_485_760n,
      clusterSize: 65_536,
      compat: "1.1",
      features: ["lazy_refcounts", "extended_l2"],
      backing: { path: "/images/base", format: "raw" },
    });
  });

  it("are raw when nobody knows them", async () => {
    for (const text of ["", "x", "QFI\xfb", "QFI\xfb\0\0\0\x09".padEnd(200, "\0"), "conectix"]) {
      assert.deepEqual(await headerOf(Buffer.from(text, "latin1")), { format: "raw" });
    }
  });

  it("are read without harm, whatever they are", async () => {
    const bytes = fc.uint8Array({ minLength: 60, maxLength: 700 });
    const magic = fc.constantFrom("QFI\xfb\0\0\0\x03", "QFI\xfb\0\0\0\x02", "QED\0", "KDMV", "conectix");
    await fc.assert(
      fc.asyncProperty(magic, bytes, async (start, rest) => {
        const header = await headerOf(Buffer.concat([Buffer.from(start, "latin1"), rest]));
        assert.ok(header.backing === undefined || header.backing.path.length <= 1023);
      }),
      { numRuns: 200, seed: 7 },
    );
  });
});
