import { UsageError } from "../usage-error.ts";

/** A command's words. */
export type Words = readonly string[];

/** What a quote, a backslash, a blank, the end of a command or a comment is. */
const token = /'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|([\s;])|([^\s;'"\\]+)/y;

/**
 * Splits lines into commands and those into words, as virsh does: by blanks, ";" and line ends, with quotes and backslashes
 * around what is one word, and "#" before what is none. Throws UsageError for a quote that does not end.
 */
export function splitLine(text: string): readonly Words[] {
  const commands: string[][] = [];
  let words: string[] = [];
  let word: string | undefined;
  const endWord = (): void => {
    if (word !== undefined) words.push(word);
    word = undefined;
  };
  const endCommand = (): void => {
    endWord();
    if (words.length > 0) commands.push(words);
    words = [];
  };
  for (let at = 0; at < text.length; at = token.lastIndex) {
    token.lastIndex = at;
    if (word === undefined && text[at] === "#") {
      const end = text.indexOf("\n", at);
      token.lastIndex = end < 0 ? text.length : end;
      continue;
    }
    const match = token.exec(text);
    if (match === null) throw unended(text[at] ?? "");
    const [, single, double, escaped, end, plain] = match;
    if (end === undefined)
      word = (word ?? "") + (single ?? double?.replaceAll(/\\([^])/g, "$1") ?? escaped ?? plain ?? "");
    else if (end === ";" || end === "\n") endCommand();
    else endWord();
  }
  endCommand();
  return commands;
}

function unended(start: string): UsageError {
  return new UsageError(start === "\\" ? "dangling \\" : `missing ${start}`);
}
