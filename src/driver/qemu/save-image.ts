import { constants } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { endianness } from "node:os";
import { getSystemErrorMap } from "node:util";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";

/**
 * A saved guest in a file, in the form that libvirt's QEMU driver reads and writes, so that each restores what the other
 * has saved:
 *
 *     magic    16 bytes: "LibvirtQemudSave", or "LibvirtQemudPart" until all is there
 *     version  2, then length of the definition, whether the guest was running, compression (0: none), length up to
 *              a cookie behind the definition (0: none); and 14 more words, 0; each word has 4 bytes in the
 *              machine's own order
 *     the definition, in XML, ended by a zero byte and filled up with zeros
 *     QEMU's migration stream
 */
export interface SaveImage {
  readonly xml: string;
  readonly wasRunning: boolean;
  /** Where the memory begins. */
  readonly offset: number;
  /** The bytes there are for the definition. */
  readonly room: number;
  readonly isComplete: boolean;
  readonly isCompressed: boolean;
}

const complete = "LibvirtQemudSave";
const partial = "LibvirtQemudPart";
const version = 2;
const words = 19;
/** A file that is shorter was made, and no more. */
const headerBytes = 16 + words * 4;
/** A definition may be replaced by one that is so much longer. */
const spareBytes = 1_024;
/** The memory begins at a multiple of it, for whoever reads past the cache. */
const block = 4_096;
/** Longest definition read, in bytes. */
const longestXml = 16 * 1024 * 1024;

const isLittle = endianness() === "LE";

/**
 * Begins an image. The descriptor stands where the memory is to be written. From here on it is known for one that is not
 * complete, whatever becomes of the machine. Rejects with Node's error.
 */
export async function beginImage(file: FileHandle, xml: string, wasRunning: boolean): Promise<void> {
  const used = headerBytes + Buffer.byteLength(xml) + 1 + spareBytes;
  const room = Math.ceil(used / block) * block - headerBytes;
  await file.truncate(0);
  await writeAll(file, Buffer.concat([header(partial, room, wasRunning), padded(xml, room)]));
  await file.sync();
}

/** All is there and on the disk. */
export async function completeImage(file: FileHandle): Promise<void> {
  await file.sync();
  await file.write(Buffer.from(complete, "latin1"), 0, complete.length, 0);
  await file.sync();
}

/** Whether nobody has come to the end of writing it; what is no image at all is none. Rejects with Node's error. */
export async function isUnfinished(file: FileHandle): Promise<boolean> {
  const head = Buffer.alloc(headerBytes);
  const { bytesRead } = await file.read(head, 0, headerBytes, 0);
  return bytesRead < headerBytes || head.toString("latin1", 0, 16) === partial;
}

/**
 * Reads on from where the descriptor stands, which is then where the memory begins. Rejects with VirError
 * (operationFailed) when it is none, and with Node's error.
 */
export async function readImage(file: FileHandle): Promise<SaveImage> {
  const head = Buffer.alloc(headerBytes);
  const { bytesRead } = await file.read(head, 0, headerBytes, null);
  if (bytesRead < headerBytes) throw failed("failed to read qemu header");
  const magic = head.toString("latin1", 0, 16);
  if (magic !== complete && magic !== partial) throw failed("image magic is incorrect");
  const [theirs = 0, room = 0, wasRunning = 0, compression = 0, cookie = 0] = numbersOf(head);
  if (theirs > version) throw failed(`image version is not supported (${theirs} > ${version})`);
  if (room <= 0 || room > longestXml) throw failed(`invalid header data length: ${room}`);
  const data = Buffer.alloc(room);
  const isComplete = magic === complete;
  // Of one that was cut off while it was begun this is all there is.
  const isCut = (await file.read(data, 0, room, null)).bytesRead < room;
  if (isCut && isComplete) throw failed("failed to read domain XML");
  const end = data.indexOf(0);
  return {
    xml: data.toString("utf8", 0, end < 0 ? room : end),
    wasRunning: wasRunning !== 0,
    offset: headerBytes + room,
    room: cookie > 0 ? cookie : room,
    isComplete,
    isCompressed: compression !== 0,
  };
}

/** Puts another definition into an image that is complete. Rejects with VirError when there is no room for it. */
export async function replaceXml(
  file: FileHandle,
  { room }: SaveImage,
  xml: string,
  wasRunning: boolean,
): Promise<void> {
  if (Buffer.byteLength(xml) + 1 > room) throw failed("new xml too large to fit in file");
  const running = Buffer.alloc(4);
  writeWord(running, 0, Number(wasRunning));
  await file.write(running, 0, 4, 16 + 2 * 4);
  await file.write(padded(xml, room), 0, room, headerBytes);
  await file.sync();
}

/** A file of that name, made or written over. It is not waited for whom a pipe leads to. Rejects with VirError. */
export async function createFile(path: string, mode = 0o600): Promise<FileHandle> {
  const { O_RDWR, O_CREAT, O_TRUNC, O_NONBLOCK } = constants;
  return open(path, O_RDWR | O_CREAT | O_TRUNC | O_NONBLOCK, mode).catch((error: unknown) => {
    throw systemError(error, `Failed to create file '${path}'`);
  });
}

/** Rejects with VirError. */
export async function openFile(path: string, writable = false): Promise<FileHandle> {
  const { O_RDONLY, O_RDWR, O_NONBLOCK } = constants;
  return open(path, (writable ? O_RDWR : O_RDONLY) | O_NONBLOCK).catch((error: unknown) => {
    throw systemError(error, `Failed to open file '${path}'`);
  });
}

/**
 * An image that nobody writes any more: complete, if all of the memory has been written, and otherwise removed. True when
 * there is a complete one; what is none of ours is left alone.
 */
export async function settlePartial(path: string, isWritten: boolean): Promise<boolean> {
  try {
    await using file = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
    const { size } = await file.stat();
    // An empty one was made, and no more.
    if (size > 0) {
      const image = await readImage(file);
      if (image.isComplete) return true;
      if (isWritten && size > image.offset) {
        await completeImage(file);
        return true;
      }
    }
  } catch (error) {
    // It is not there, or no image: neither is ours to remove.
    if (error instanceof VirError || (error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  await rm(path, { force: true });
  return false;
}

/** In libvirt's words, with the system's own. */
export function systemError(error: unknown, complaint: string): unknown {
  const { errno, code } = error as NodeJS.ErrnoException;
  if (typeof errno !== "number") return error;
  return VirError.system(ErrorDomain.qemu, -errno, `${complaint}: ${wordsOf(errno) ?? code}`, error);
}

/** Node has them in lower case. */
function wordsOf(errno: number): string | undefined {
  const words = getSystemErrorMap().get(errno)?.[1];
  return words === undefined ? undefined : words.charAt(0).toUpperCase() + words.slice(1);
}

function header(magic: string, room: number, wasRunning: boolean): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.write(magic, "latin1");
  for (const [index, value] of [version, room, Number(wasRunning)].entries()) writeWord(bytes, 16 + 4 * index, value);
  return bytes;
}

/** Another machine's order shows by a version that makes no sense. */
function numbersOf(head: Buffer): number[] {
  const read = (little: boolean): number[] =>
    Array.from({ length: 5 }, (_, index) =>
      little ? head.readUInt32LE(16 + 4 * index) : head.readUInt32BE(16 + 4 * index),
    );
  const own = read(isLittle);
  return (own[0] ?? 0) > 0xffff ? read(!isLittle) : own;
}

function writeWord(bytes: Buffer, at: number, value: number): void {
  if (isLittle) bytes.writeUInt32LE(value, at);
  else bytes.writeUInt32BE(value, at);
}

function padded(xml: string, room: number): Buffer {
  const bytes = Buffer.alloc(room);
  bytes.write(xml, "utf8");
  return bytes;
}

/** At the descriptor's own place, which QEMU goes on from. */
async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at, bytes.length - at, null)).bytesWritten;
}

function failed(detail: string): VirError {
  return VirError.of(ErrorCode.operationFailed, ErrorDomain.qemu, detail);
}
