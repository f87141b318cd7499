import { StateError } from "../event/index.ts";
import { DirectoryFiles, readStored, replaceStored, type StoredFiles } from "./stored-files.ts";

/**
 * Brings what is in a directory from one format to the next. It may be cut off anywhere, and is begun anew then: what it has
 * done already it finds done, and what it replaces is there until the new is on the disk.
 */
export type FormatStep = (files: StoredFiles) => Promise<void>;

/** A directory of state. Its format is the number of steps that have led to it. */
export interface StatePlace {
  readonly files: StoredFiles;
  readonly steps: readonly FormatStep[];
}

/** The format is written in this file; without it, what is there is from before formats had numbers: 0. */
const formatFile = "format";
const form = /^virtwright (\d{1,9})\n$/;

/** The first step of what is the same with a number as it was without one. */
export const numbered: FormatStep = async () => {};

export function statePlace(directory: string, steps: readonly FormatStep[] = [numbered]): StatePlace {
  return { files: new DirectoryFiles(directory), steps };
}

/**
 * Rejects with StateError when one of them is newer than this program, or its format cannot be told. Missing directories are
 * made; nothing else is changed, in none of them.
 */
export async function checkFormats(places: readonly StatePlace[]): Promise<void> {
  for (const place of places) await formatOf(place);
}

/**
 * Brings them to the present format. What is cut off goes on the next time. They are the caller's alone meanwhile. Rejects as
 * `checkFormats`, before anything is changed, and with Node's error.
 */
export async function upgradeFormats(places: readonly StatePlace[]): Promise<void> {
  await checkFormats(places);
  for (const place of places) await upgrade(place);
}

async function upgrade(place: StatePlace): Promise<void> {
  const { files, steps } = place;
  let format = await formatOf(place);
  for (const step of steps.slice(format)) {
    await step(files);
    await replaceStored(files, formatFile, `virtwright ${++format}\n`);
  }
}

async function formatOf({ files, steps }: StatePlace): Promise<number> {
  if (!(await files.list()).includes(formatFile)) return 0;
  const text = await readStored(files, formatFile);
  const path = files.pathOf(formatFile);
  const format = form.exec(text)?.[1];
  if (format === undefined) {
    const advice = `put back what was there, a line "virtwright ${steps.length}" for this version's own`;
    throw new StateError(`${path} does not say which format the files beside it have: ${advice}; nothing was changed`);
  }
  if (Number(format) <= steps.length) return Number(format);
  const advice = "use the version that has written it, or a newer one; nothing was changed";
  throw new StateError(
    `${path} says format ${format}, and this version knows formats up to ${steps.length}: ${advice}`,
  );
}
