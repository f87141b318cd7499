import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  beginImage,
  completeImage,
  createFile,
  openFile,
  readImage,
  replaceXml,
  settlePartial,
} from "../../../src/driver/qemu/save-image.ts";

const directory = mkdtempSync(join(tmpdir(), "vwi-"));
after(() => rmSync(directory, { recursive: true }));
const path = join(directory, "guest.save");
const xml = "<domain/>";

/** An image with that much memory in it. */
async function write(memory: string, isComplete: boolean): Promise<void> {
  await using file = await createFile(path);
  await beginImage(file, xml, true);
  await file.write(memory);
  if (isComplete) await completeImage(file);
}

async function read(): Promise<Awaited<ReturnType<typeof readImage>>> {
  await using file = await openFile(path);
  return await readImage(file);
}

test("an image has libvirt's header, and the memory begins on a block", async () => {
  await write("QEVM", true);
  const bytes = readFileSync(path);
  assert.equal(bytes.toString("latin1", 0, 16), "LibvirtQemudSave");
  const { offset, room, ...rest } = await read();
  assert.deepEqual(rest, { xml, wasRunning: true, isComplete: true, isCompressed: false });
  assert.deepEqual([offset % 4096, 92 + room], [0, offset]);
  assert.equal(bytes.toString("latin1", offset, offset + 4), "QEVM");
});

test("who has read the header stands where the memory begins", async () => {
  await write("QEVM", true);
  await using file = await openFile(path);
  await readImage(file);
  const next = Buffer.alloc(4);
  await file.read(next, 0, 4, null);
  assert.equal(next.toString(), "QEVM");
});

test("an image of libvirt's with a cookie behind the definition is read, and its cookie is left alone", async () => {
  const header = Buffer.alloc(92);
  header.write("LibvirtQemudSave", "latin1");
  for (const [index, value] of [2, 200, 0, 0, 100].entries()) header.writeUInt32LE(value, 16 + 4 * index);
  const data = Buffer.alloc(200);
  data.write(xml);
  data.write("<cookie/>", 100);
  writeFileSync(path, Buffer.concat([header, data, Buffer.from("QEVM")]));
  const image = await read();
  assert.deepEqual([image.xml, image.offset, image.room, image.wasRunning], [xml, 292, 100, false]);
  {
    await using file = await openFile(path, true);
    await replaceXml(file, image, "<domain><new/></domain>", true);
    await assert.rejects(replaceXml(file, image, "x".repeat(100), true), /new xml too large to fit in file/);
  }
  assert.equal(readFileSync(path).toString("latin1", 192, 201), "<cookie/>");
  assert.deepEqual([(await read()).xml, (await read()).wasRunning], ["<domain><new/></domain>", true]);
});

test("what is no image, or cut off, is said to be so", async () => {
  for (const [text, expected] of [
    ["", /failed to read qemu header/],
    ["x".repeat(200), /image magic is incorrect/],
    [`LibvirtQemudSave${"\x7f".repeat(76)}`, /image version is not supported/],
    [`LibvirtQemudSave\x02\0\0\0\xff\0\0\0${"\0".repeat(68)}`, /failed to read domain XML/],
    [`LibvirtQemudSave\x02\0\0\0${"\0".repeat(72)}`, /invalid header data length: 0/],
  ] as const) {
    writeFileSync(path, Buffer.from(text, "latin1"));
    await assert.rejects(read(), expected);
  }
  await assert.rejects(openFile(join(directory, "none")), {
    message: `Failed to open file '${join(directory, "none")}': No such file or directory`,
  });
});

test("a saving that came to no end leaves nothing, unless all was written", async () => {
  for (const [memory, isComplete, isWritten, expected] of [
    ["QEVM", true, false, true],
    ["QEVM", false, true, true],
    ["QEVM", false, false, false],
    ["", false, true, false],
  ] as const) {
    await write(memory, isComplete);
    assert.equal(await settlePartial(path, isWritten), expected);
    assert.equal(existsSync(path), expected);
    if (expected) assert.equal((await read()).isComplete, true);
  }
  await (await open(path, "w")).close();
  assert.deepEqual([await settlePartial(path, true), existsSync(path)], [false, false], "it was made, and no more");
  await write("", false);
  truncateSync(path, 200);
  assert.deepEqual([await settlePartial(path, true), existsSync(path)], [false, false], "its definition was cut off");
});

test("what is none of ours stays where it is", async () => {
  writeFileSync(path, "the user's own letters, which are long enough to be taken for a header".repeat(3));
  assert.deepEqual([await settlePartial(path, true), existsSync(path)], [false, true]);
  rmSync(path);
  assert.equal(await settlePartial(path, true), false);
});
