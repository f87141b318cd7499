import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

/** How many lines are remembered. */
const limit = 500;

/** Where what was typed is kept, after the XDG Base Directory specification. */
export function historyFile(env: NodeJS.ProcessEnv = process.env, home = homedir()): string {
  const { XDG_STATE_HOME } = env;
  const base = XDG_STATE_HOME !== undefined && isAbsolute(XDG_STATE_HOME) ? XDG_STATE_HOME : join(home, ".local/state");
  return join(base, "virtwright", "history");
}

/** The last first, as readline wants them. */
export function readHistory(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n").filter(Boolean).slice(-limit).reverse();
  } catch {
    return [];
  }
}

/** A history that cannot be kept is no reason not to go on. */
export function rememberLine(file: string, line: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    appendFileSync(file, `${line}\n`, { mode: 0o600 });
  } catch {
    // As above.
  }
}
