import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Inputs that are kept: a file for each, in a directory for each target. */
export interface Kept {
  readonly file: string;
  readonly input: Uint8Array;
}

/** In the order of their names, so that a seed means the same everywhere. */
export function readCorpus(target: string): Kept[] {
  const directory = directoryOf(target);
  return readdirSync(directory)
    .sort()
    .map((file) => ({ file, input: new Uint8Array(readFileSync(join(directory, file))) }));
}

/** Keeps an input that has found something. Its path is returned. */
export function keep(target: string, input: Uint8Array): string {
  const directory = directoryOf(target);
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `found-${createHash("sha256").update(input).digest("hex").slice(0, 12)}`);
  writeFileSync(path, input);
  return path;
}

function directoryOf(target: string): string {
  return join(import.meta.dirname, "corpus", target);
}
