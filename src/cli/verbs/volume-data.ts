import { createReadStream, createWriteStream, statSync } from "node:fs";
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
  const offset = given.bytes("offset", 1n) ?? 0n;
  const length = given.bytes("length", 1n);
  return { volume: await findVolume(connection, given), offset, length };
}

/** vol-upload: a file into a volume. */
export async function upload(connection: Connection, given: Given, where: Around): Promise<string> {
  const file = given.need("file");
  const { volume, offset, length } = await partOf(connection, given);
  const size = sizeOf(file);
  const total = length === undefined || length > size ? size : length;
  const stream = await volume.upload({ offset, length: total });
  const end = total === 0n ? undefined : Number(total) - 1;
  const source = total === 0n ? Readable.from([]) : createReadStream(file, { end });
  await copy(where, `vol-upload ${volume.name}`, total, source, Writable.fromWeb(stream));
  return "";
}

/** vol-download: a volume, or a part of it, into a file. */
export async function download(connection: Connection, given: Given, where: Around): Promise<string> {
  const file = given.need("file");
  const { volume, offset, length } = await partOf(connection, given);
  const { capacity } = await volume.getInfo();
  const left = capacity > offset ? capacity - offset : 0n;
  const stream = await volume.download({ offset, length: length ?? 0n });
  const total = length === undefined || length > left ? left : length;
  // The types of Node and of the web differ in what a reader may be given to fill.
  const source = Readable.fromWeb(stream as Parameters<typeof Readable.fromWeb>[0]);
  await copy(where, `vol-download ${volume.name}`, total, source, createWriteStream(file));
  return "";
}

/** Rejects with Interrupted when somebody has ended it; the stream is given up then. */
async function copy(where: Around, title: string, total: bigint, source: Readable, target: Writable): Promise<void> {
  using progress = new Progress(where, title);
  using interruption = where.interruption();
  let done = 0n;
  const counting = new Transform({
    transform: (chunk: Buffer, _, next) => {
      done += BigInt(chunk.length);
      progress.show(done, total);
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

/** In bytes. Throws PlainFailure. */
function sizeOf(file: string): bigint {
  try {
    return statSync(file, { bigint: true }).size;
  } catch (error) {
    throw new PlainFailure(`cannot read ${file}`, { cause: error });
  }
}
