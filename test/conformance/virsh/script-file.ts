import { readFileSync } from "node:fs";

/** Command lines that are run one after the other, from the fresh state of a hypervisor. */
export interface Script {
  readonly name: string;
  readonly lines: readonly string[];
}

/** Reads `== name` and the lines below it; empty lines and comments are left out. */
export function readScripts(path: string | URL): Script[] {
  const scripts: { name: string; lines: string[] }[] = [];
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("== ")) scripts.push({ name: line.slice(3), lines: [] });
    else scripts.at(-1)?.lines.push(line);
  }
  return scripts;
}

/** A command line as arguments: words, and '...' with spaces in it; `\n` is a newline. */
export function wordsOf(line: string): string[] {
  const words = line.match(/'[^']*'|[^ ]+/g) ?? [];
  return words.map((word) => (word.startsWith("'") ? word.slice(1, -1) : word).replaceAll("\\n", "\n"));
}
