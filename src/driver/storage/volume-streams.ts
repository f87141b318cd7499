import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Stream, StreamPart } from "../../rpc/index.ts";
import type { HostVolume } from "./host-volume.ts";
import type { Silence } from "./silence.ts";
import { fileError } from "./storage-errors.ts";

/** Which part of a volume; a length of 0 goes to the end. */
export interface StreamRange {
  readonly offset: bigint;
  readonly length: bigint;
  /** Stretches of zeros go as holes. */
  readonly sparse: boolean;
}

const chunkLength = 262_144;

type File = Awaited<ReturnType<typeof open>>;

/** A volume to read: from here on it may be removed. */
export function openToRead({ path }: HostVolume): Promise<File> {
  return open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch(rethrow(path));
}

/** Sends what is in the file of a volume, which stays the caller's. */
export async function download(file: File, { path }: HostVolume, range: StreamRange, stream: Stream): Promise<void> {
  let position = Number(range.offset);
  const end = range.length === 0n ? Infinity : position + Number(range.length);
  while (position < end) {
    const length = Math.min(chunkLength, end - position);
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position).catch(rethrow(path));
    if (bytesRead === 0) break;
    const bytes = buffer.subarray(0, bytesRead);
    if (range.sparse && isZero(bytes)) await stream.writeHole(BigInt(bytesRead));
    else await stream.write(bytes);
    position += bytesRead;
  }
  await stream.finish();
}

/**
 * Writes what comes into a volume; more than was said is refused. `silence` is the client's; `written` is told before the
 * client is.
 */
export async function upload(
  { path, type }: HostVolume,
  range: StreamRange,
  stream: Stream,
  silence: Silence,
  written: () => Promise<void>,
): Promise<void> {
  try {
    await receive(path, type, range, stream, silence);
  } catch (error) {
    // Before the iteration is left, which would abort it without a reason.
    stream.abort(error);
    throw error;
  } finally {
    await written();
  }
  await stream.finish();
}

async function receive(
  path: string,
  type: HostVolume["type"],
  range: StreamRange,
  stream: Stream,
  silence: Silence,
): Promise<void> {
  await using file = await open(path, constants.O_WRONLY | constants.O_NONBLOCK).catch(rethrow(path));
  let position = Number(range.offset);
  const end = range.length === 0n ? Infinity : position + Number(range.length);
  const parts = stream.parts();
  for (;;) {
    const { done, value: part } = await silence.during(parts.next());
    if (done === true) break;
    const length = lengthOf(part);
    if (position + length > end) throw tooMuch();
    if (part instanceof Uint8Array) await writeAll(file, part, position).catch(rethrow(path));
    else await writeZeros(file, length, position).catch(rethrow(path));
    position += length;
  }
  if (type === "file" && (await file.stat()).size < position) await file.truncate(position);
}

function lengthOf(part: StreamPart): number {
  return part instanceof Uint8Array ? part.length : Number(part.hole);
}

async function writeAll(file: File, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    at += bytesWritten;
  }
}

/** A hole is zeros to whoever reads it: behind the end there are none to write. */
async function writeZeros(file: File, length: number, position: number): Promise<void> {
  const { size } = await file.stat();
  const zeros = Buffer.alloc(chunkLength);
  for (let at = position; at < Math.min(size, position + length); ) {
    const next = Math.min(chunkLength, size - at, position + length - at);
    await writeAll(file, zeros.subarray(0, next), at);
    at += next;
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes[0] === 0 && bytes.subarray(1).equals(bytes.subarray(0, -1));
}

function tooMuch(): unknown {
  const noSpace = -28;
  return fileError("cannot write to stream", Object.assign(new Error("too much"), { errno: noSpace, code: "ENOSPC" }));
}

function rethrow(path: string): (error: unknown) => never {
  return (error) => {
    throw fileError(`Unable to access ${path}`, error);
  };
}
