#!/usr/bin/env -S node --max-semi-space-size=8 --no-separate-gc-phases
import { lstatSync, mkdirSync } from "node:fs";
import { enableCompileCache, getCompileCacheDir } from "node:module";
import { userInfo } from "node:os";
import { join } from "node:path";
import { endWithOutput } from "./lost-output.ts";

// Most of what a short command takes is reading our own modules: kept compiled, they are there in a third of the time.
keepCompiled();
endWithOutput();
const { commandLine } = await import("./command-line.ts");
process.exitCode = await commandLine(process.argv.slice(2));

/** In the user's own home and nowhere else: whoever could write there could have us do anything. */
function keepCompiled(): void {
  if (getCompileCacheDir() !== undefined) return;
  try {
    const { homedir, uid } = userInfo();
    const directory = join(homedir, ".cache", "virtwright");
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const places = [homedir, join(homedir, ".cache"), directory].map((path) => lstatSync(path));
    const isOurs = places.every((place) => place.isDirectory() && place.uid === uid && (place.mode & 0o022) === 0);
    if (isOurs) enableCompileCache(directory);
  } catch {
    // Without a home it takes longer, no more.
  }
}
