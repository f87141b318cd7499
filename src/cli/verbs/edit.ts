import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { VirError } from "../../open/index.ts";
import type { Around } from "./around.ts";
import { PlainFailure } from "./verb.ts";

/** Something that people edit as text. */
export interface Edited<T> {
  /** "Domain 'web' XML configuration" */
  readonly what: string;
  read(): Promise<string>;
  /** Rejects with VirError or PlainFailure when it will not do. `isChecked`: what is written there has to be known. */
  write(text: string, isChecked: boolean): Promise<T>;
  /** Whether it is checked as long as nobody says otherwise. Default: no. */
  readonly isChecked?: boolean;
}

/**
 * Opens it in the user's editor until it will do or is given up: undefined when nothing was changed. What was written stays
 * in its file, and is said where, unless it was taken. Throws PlainFailure.
 */
export async function edit<T>(where: Around, edited: Edited<T>): Promise<T | undefined> {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-edit-"));
  const file = join(directory, "definition.xml");
  const before = await edited.read();
  writeFileSync(file, before, { mode: 0o600 });
  let isKept = true;
  let { isChecked = false } = edited;
  try {
    for (;;) {
      await openEditor(file);
      const after = readFileSync(file, "utf8");
      if (after === before) {
        isKept = false;
        return undefined;
      }
      if ((await edited.read()) !== before) {
        throw new PlainFailure(`the ${edited.what} was changed by another user; your edit is kept in ${file}`);
      }
      try {
        const made = await edited.write(after, isChecked);
        isKept = false;
        return made;
      } catch (error) {
        if (!(error instanceof VirError) && !(error instanceof PlainFailure)) throw error;
        where.error(`error: ${error.message}\n`);
        const answer = await askOn(where, isChecked);
        isChecked &&= answer !== "unchecked";
        if (answer === "no") throw new PlainFailure(`Failed. Your edit is kept in ${file}`, { cause: error });
      }
    }
  } finally {
    if (!isKept) rmSync(directory, { recursive: true, force: true });
  }
}

/** Asks whether to edit again; without a terminal the answer is no. */
async function askOn(where: Around, isChecked: boolean): Promise<"yes" | "no" | "unchecked"> {
  if (!where.input.isTTY) return "no";
  const asking = createInterface({ input: where.input, output: where.output });
  try {
    for (;;) {
      const question = `Failed. Try again? [y,n${isChecked ? ",i (without checking)" : ""}]: `;
      const answer = (await asking.question(question)).trim().toLowerCase().slice(0, 1);
      if (answer === "y") return "yes";
      if (answer === "i" && isChecked) return "unchecked";
      if (answer === "n" || answer === "") return "no";
    }
  } finally {
    asking.close();
  }
}

/** $VISUAL, $EDITOR or vi, in this terminal. As for a shell it may have arguments. Rejects with PlainFailure. */
async function openEditor(file: string): Promise<void> {
  const { VISUAL, EDITOR } = process.env;
  const editor = [VISUAL, EDITOR].find((each) => each !== undefined && each !== "") ?? "vi";
  // The file is an argument of its own, so that nothing in its path is read by the shell.
  const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, "sh", file], { stdio: "inherit" });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  if (status !== 0)
    throw new PlainFailure(`${editor} has ended with status ${status ?? "unknown"}; your edit is kept in ${file}`);
}
