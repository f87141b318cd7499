import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
 * in its file, and is said where, unless it was taken; without a change no file is left. Throws PlainFailure.
 */
export async function edit<T>(where: Around, edited: Edited<T>): Promise<T | undefined> {
  const before = await edited.read();
  const directory = mkdtempSync(join(tmpdir(), "virtwright-edit-"));
  const file = join(directory, "definition.xml");
  writeFileSync(file, before, { mode: 0o600 });
  let isTaken = false;
  let { isChecked = false } = edited;
  try {
    for (;;) {
      await openEditor(file, before);
      const after = textIn(file);
      if (after === undefined) throw new PlainFailure("the editor has left no file: nothing was changed");
      if (after === before) return undefined;
      if ((await edited.read()) !== before) {
        throw new PlainFailure(`the ${edited.what} was changed by another user; your edit is kept in ${file}`);
      }
      try {
        const made = await edited.write(after, isChecked);
        isTaken = true;
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
    if (isTaken || !isChanged(file, before)) rmSync(directory, { recursive: true, force: true });
  }
}

/** Undefined when it is gone. */
function textIn(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

function isChanged(file: string, before: string): boolean {
  const text = textIn(file);
  return text !== undefined && text !== before;
}

/** Asks whether to edit again; without a terminal the answer is no, and so are Ctrl-C and Ctrl-D. */
async function askOn(where: Around, isChecked: boolean): Promise<"yes" | "no" | "unchecked"> {
  if (!where.input.isTTY) return "no";
  const asking = createInterface({ input: where.input, output: where.output });
  // Ctrl-D on what is no terminal for readline closes it without a word to who waits.
  const closed = new Promise<string>((resolve) => asking.once("close", () => resolve("")));
  try {
    for (;;) {
      const question = `Failed. Try again? [y,n${isChecked ? ",i (without checking)" : ""}]: `;
      const answered = asking.question(question).catch(unlessAborted);
      const answer = (await Promise.race([answered, closed])).trim().toLowerCase().slice(0, 1);
      if (answer === "y") return "yes";
      if (answer === "i" && isChecked) return "unchecked";
      if (answer === "n" || answer === "") return "no";
    }
  } finally {
    asking.close();
  }
}

/** What readline makes of Ctrl-C and Ctrl-D is no answer. */
function unlessAborted(error: NodeJS.ErrnoException): string {
  if (error.code !== "ABORT_ERR") throw error;
  return "";
}

/** $VISUAL, $EDITOR or vi, in this terminal. As for a shell it may have arguments. Rejects with PlainFailure. */
async function openEditor(file: string, before: string): Promise<void> {
  const { VISUAL, EDITOR } = process.env;
  const editor = [VISUAL, EDITOR].find((each) => each !== undefined && each !== "") ?? "vi";
  // The file is an argument of its own, so that nothing in its path is read by the shell.
  const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, "sh", file], { stdio: "inherit" });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  if (status === 0) return;
  const kept = isChanged(file, before) ? `; your edit is kept in ${file}` : "";
  throw new PlainFailure(`${editor} has ended with status ${status ?? "unknown"}${kept}`);
}
