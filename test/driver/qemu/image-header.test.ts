import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { readBackingImage } from "../../../src/driver/qemu/image-header.ts";

const directory = mkdtempSync(join(tmpdir(), "virtwright-images-"));
after(() => rmSync(directory, { recursive: true }));

interface Header {
  readonly version?: number;
  readonly name?: string;
  readonly length?: number;
  readonly offset?: bigint;
  readonly format?: string;
}

/** A qcow2 image that has a header and nothing else. */
function image({ version = 3, name = "", length = name.length, offset = 512n, format }: Header): string {
  const bytes = Buffer.alloc(1_024);
  bytes.writeUInt32BE(0x514649fb, 0);
  bytes.writeUInt32BE(version, 4);
  bytes.writeBigUInt64BE(name === "" ? 0n : offset, 8);
  bytes.writeUInt32BE(length, 16);
  bytes.writeUInt32BE(104, 100);
  const start = version === 2 ? 72 : 104;
  if (format !== undefined) {
    bytes.writeUInt32BE(0xe2792aca, start);
    bytes.writeUInt32BE(format.length, start + 4);
    bytes.write(format, start + 8);
  }
  bytes.write(name, 512);
  const path = join(directory, "image");
  writeFileSync(path, bytes);
  return path;
}

describe("the header of an image", () => {
  it("names what it stands on, and in which format", async () => {
    assert.deepEqual(await readBackingImage(image({ name: "base.img", format: "raw" }), "qcow2"), {
      name: "base.img",
      format: "raw",
    });
  });

  it("may be that of an older version", async () => {
    const path = image({ version: 2, name: "base.img", format: "qcow2" });
    assert.deepEqual(await readBackingImage(path, "qcow2"), { name: "base.img", format: "qcow2" });
  });

  it("may leave the format out", async () => {
    const found = await readBackingImage(image({ name: "base.img" }), "qcow2");
    assert.deepEqual(found, { name: "base.img", format: undefined });
  });

  it("is not looked for in a raw image: a guest could have written it", async () => {
    assert.equal(await readBackingImage(image({ name: "/etc/shadow", format: "raw" }), "raw"), undefined);
  });

  it("says nothing where there is nothing below", async () => {
    assert.equal(await readBackingImage(image({}), "qcow2"), undefined);
  });

  it("is left to QEMU where there is none", async () => {
    const path = join(directory, "none");
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(10), Buffer.alloc(4_096, "x")]) {
      writeFileSync(path, bytes);
      assert.equal(await readBackingImage(path, "qcow2"), undefined);
    }
  });

  it("makes nobody read more than a name's length", async () => {
    await assert.rejects(readBackingImage(image({ name: "x", length: 0x7fff_ffff }), "qcow2"), /too long/);
    await assert.rejects(readBackingImage(image({ name: "x", offset: 1n << 60n }), "qcow2"), /too long/);
  });
});
