import { constants, createReadStream, statSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { Readable, Transform, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Connection, Volume } from "../../open/index.ts";
import { type Around, Interrupted } from "./around.ts";
import { findVolume } from "./lookup.ts";
import { whyNot } from "./object-verbs.ts";
import { Progress } from "./progress.ts";
import { type Given, PlainFailure } from "./verb.ts";

/** Where in the volume, and how much; undefined: to the end. */
interface Part {
  readonly volume: Volume;
  readonly offset: bigint;
  readonly length: bigint | undefined;
}

async function partOf(connection: Connection, given: Given): Promise<Part> {
  const offset = given.long("offset") ?? 0n;
  // 0 is to the end, as with virsh.
  const length = given.long("length") || undefined;
  return { volume: await findVolume(connection, given), offset, length };
}

/** vol-upload: a file, or what comes from a pipe, into a volume. */
export async function upload(connection: Connection, given: Given, where: Around): Promise<string> {
  const file = given.need("file");
  const { volume, offset, length } = await partOf(connection, given);
  const size = sizeOf(file);
  const total = length === undefined || (size !== undefined && length > size) ? size : length;
  const stream = await volume.upload({ offset, length: total ?? 0n });
  const source = createReadStream(file, total === undefined ? {} : { end: Number(total) - 1 });
  await copy(where, `vol-upload ${volume.name}`, total, source, Writable.fromWeb(stream));
  return "";
}

/** vol-download: a volume, or a part of it, into a file. One that is made for it goes again when it does not become whole. */
export async function download(connection: Connection, given: Given, where: Around): Promise<string> {
  const file = given.need("file");
  const { volume, offset, length } = await partOf(connection, given);
  const { capacity } = await volume.getInfo();
  const left = capacity > offset ? capacity - offset : 0n;
  const { target, isMade } = await openTarget(file);
  try {
    const stream = await volume.download({ offset, length: length ?? 0n });
    const total = length === undefined || length > left ? left : length;
    // The types of Node and of the web differ in what a reader may be given to fill.
    const source = Readable.fromWeb(stream as Parameters<typeof Readable.fromWeb>[0]);
    await copy(where, `vol-download ${volume.name}`, total, source, target.createWriteStream());
  } catch (error) {
    await target.close();
    if (isMade) await rm(file, { force: true });
    throw error;
  }
  return "";
}

interface Target {
  readonly target: FileHandle;
  /** It was not there before. */
  readonly isMade: boolean;
}

/** Throws PlainFailure. */
async function openTarget(file: string): Promise<Target> {
  try {
    return { target: await open(file, "wx", 0o666), isMade: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw uncreatable(file, error);
  }
  try {
    return { target: await open(file, constants.O_WRONLY | constants.O_TRUNC), isMade: false };
  } catch (error) {
    throw uncreatable(file, error);
  }
}

function uncreatable(file: string, cause: unknown): PlainFailure {
  return new PlainFailure(`cannot create ${file}`, { cause });
}

/** `total`: undefined when nobody knows it. Rejects with Interrupted when somebody has ended it; the stream is given up then. */
async function copy(
  where: Around,
  title: string,
  total: bigint | undefined,
  source: Readable,
  target: Writable,
): Promise<void> {
  using progress = new Progress(where, title);
  using interruption = where.interruption();
  let done = 0n;
  const counting = new Transform({
    transform: (chunk: Buffer, _, next) => {
      done += BigInt(chunk.length);
      if (total !== undefined) progress.show(done, total);
      next(null, chunk);
    },
  });
  try {
    await pipeline(source, counting, target, { signal: interruption.signal });
  } catch (error) {
    if (interruption.signal.aborted) throw new Interrupted(undefined, { cause: error });
    if (error instanceof Error && "syscall" in error) throw new PlainFailure(whyNot(error), { cause: error });
    throw error;
  }
}

/** In bytes; undefined where its end alone tells: of a pipe, and of files of the kernel's. Throws PlainFailure. */
function sizeOf(file: string): bigint | undefined {
  try {
    const status = statSync(file, { bigint: true });
    if (!status.isDirectory()) return status.size === 0n ? undefined : status.size;
  } catch (error) {
    throw new PlainFailure(`cannot read ${file}`, { cause: error });
  }
  throw new PlainFailure(`cannot read ${file}: Is a directory`);
}
