import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";

/** What an image says it stands on. */
export interface BackingImage {
  /** As it is written in the image: relative to it, absolute, or a URI. */
  readonly name: string;
  /** Undefined: the image does not say. */
  readonly format: string | undefined;
}

const magic = 0x5146_49fb;
const formatExtension = 0xe279_2aca;
/** More than a header may have, so that no image makes us read much. */
const limits = { header: 65_536, name: 1_023, format: 64 };

/**
 * The image below a qcow2 image; undefined: there is none. Of other formats nothing is read: what a guest can write
 * anywhere must not be taken for a header. Rejects with VirError for a header that cannot be, and with the error of
 * reading.
 */
export async function readBackingImage(path: string, format: string): Promise<BackingImage | undefined> {
  if (format !== "qcow2") return undefined;
  // Somebody's pipe in the place of an image must not hold us up.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return await readQcow2(file, path);
  } finally {
    await file.close();
  }
}

async function readQcow2(file: FileHandle, path: string): Promise<BackingImage | undefined> {
  const header = await read(file, 0, limits.header);
  // QEMU has better words for what is no such image.
  if (header.length < 72 || header.readUInt32BE(0) !== magic) return undefined;
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) return undefined;
  const offset = header.readBigUInt64BE(8);
  const length = header.readUInt32BE(16);
  if (offset === 0n || length === 0) return undefined;
  if (length > limits.name || offset > BigInt(limits.header) * 32n)
    throw broken(path, "the name of its backing file is too long");
  const name = (await read(file, Number(offset), length)).toString();
  const start = version === 2 || header.length < 104 ? 72 : header.readUInt32BE(100);
  return { name, format: readFormat(header, start, Math.min(Number(offset), header.length)) };
}

/** Extensions of the header: number, length, and so many bytes, up to a multiple of eight. */
function readFormat(header: Buffer, start: number, end: number): string | undefined {
  for (let at = start; at + 8 <= end; ) {
    const kind = header.readUInt32BE(at);
    const length = header.readUInt32BE(at + 4);
    if (kind === 0 || at + 8 + length > end) return undefined;
    if (kind === formatExtension && length <= limits.format) return header.toString("latin1", at + 8, at + 8 + length);
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return undefined;
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function broken(path: string, why: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.storage, `cannot read the header of '${path}': ${why}`);
}
