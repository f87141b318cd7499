import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { endianness } from "node:os";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { systemError } from "../qemu/save-image.ts";

/**
 * A saved guest in a file, in the form that libvirt's Xen driver reads and writes, so that each restores what the other has
 * saved:
 *
 *     magic    16 bytes
 *     version  2, then the length of the definition, and ten more words, 0; each word has 4 bytes in the machine's own order
 *     the definition, in XML, without an end of its own
 *     libxl's stream
 */
export interface SaveImage {
  readonly xml: string;
  /** Where libxl's stream begins. */
  readonly offset: number;
}

const magic = Buffer.from("libvirt-xml\n \0 \r", "latin1");
const version = 2;
const headerBytes = 64;
/** Longest definition read, in bytes. */
const longestXml = 16 * 1024 * 1024;
const isLittle = endianness() === "LE";

/** Makes the file, or writes it over, up to where libxl's stream begins; resolves with that place. Rejects with VirError. */
export async function beginImage(path: string, xml: string): Promise<number> {
  const text = Buffer.from(xml, "utf8");
  const head = Buffer.alloc(headerBytes);
  magic.copy(head);
  for (const [at, value] of [version, text.length].entries()) {
    if (isLittle) head.writeUInt32LE(value, 16 + 4 * at);
    else head.writeUInt32BE(value, 16 + 4 * at);
  }
  const { O_RDWR, O_CREAT, O_TRUNC, O_NONBLOCK } = constants;
  try {
    await using file = await open(path, O_RDWR | O_CREAT | O_TRUNC | O_NONBLOCK, 0o600);
    await file.writeFile(Buffer.concat([head, text]));
    return head.length + text.length;
  } catch (error) {
    throw systemError(error, `Failed to create domain save file '${path}'`);
  }
}

/** All that libxl has written is on the disk. Rejects with VirError. */
export async function completeImage(path: string): Promise<void> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    // A pipe has no disk.
    if ((await file.stat()).isFile()) await file.sync();
  } catch (error) {
    throw systemError(error, `cannot write domain image '${path}'`);
  }
}

/** Rejects with VirError when it is none. */
export async function readImage(path: string): Promise<SaveImage> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return await readImageOf(async (position, length) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    });
  } catch (error) {
    throw systemError(error, `cannot read domain image '${path}'`);
  }
}

/** `read` gives fewer bytes only at the end. Rejects as it does, and with VirError when there is no image. */
export async function readImageOf(read: (position: number, length: number) => Promise<Uint8Array>): Promise<SaveImage> {
  const head = Buffer.from(await read(0, headerBytes));
  if (head.length < headerBytes) throw failed("failed to read libxl header");
  if (!head.subarray(0, 16).equals(magic)) throw failed("image magic is incorrect");
  const word = (at: number): number => (isLittle ? head.readUInt32LE(at) : head.readUInt32BE(at));
  if (word(16) > version) throw failed(`image version is not supported (${word(16)} > ${version})`);
  const length = word(20);
  if (length === 0 || length > longestXml) throw failed(`invalid XML length: ${length}`);
  const text = await read(headerBytes, length);
  if (text.length < length) throw failed("failed to read XML");
  return { xml: Buffer.from(text).toString("utf8"), offset: headerBytes + length };
}

function failed(detail: string): VirError {
  return VirError.of(ErrorCode.operationFailed, ErrorDomain.libxl, detail);
}
