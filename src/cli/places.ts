import { createHash } from "node:crypto";
import { lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where a daemon that was started for a try keeps its things. */
export interface Places {
  readonly socket: string;
  /** The daemon's own read-only socket. */
  readonly readOnlySocket: string;
  readonly stateDir: string;
  readonly runDir: string;
  readonly logDir: string;
}

/** A monitor's socket adds "/<uuid>.monitor" to `runDir`; a socket's path may have 107 bytes. */
const longestRunDir = 107 - "/00000000-0000-0000-0000-000000000000.monitor".length;

/** All below `directory`; sockets in a short directory of one's own below the system's temporary one if need be. */
export function placesIn(directory: string): Places {
  const runDir = join(directory, "qemu");
  const sockets = Buffer.byteLength(runDir) <= longestRunDir ? directory : shortDirectory(directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return {
    socket: join(sockets, "virtwright-sock"),
    readOnlySocket: join(sockets, "virtwright-sock-ro"),
    stateDir: join(directory, "definitions"),
    runDir: sockets === directory ? runDir : join(sockets, "qemu"),
    logDir: join(directory, "log"),
  };
}

/** The same for the same `directory`, and nobody else's: a foreign one under this name is refused. */
function shortDirectory(directory: string): string {
  const uid = process.getuid?.() ?? 0;
  const hash = createHash("sha256").update(directory).digest("hex").slice(0, 8);
  const path = join(tmpdir(), `virtwright-${uid}-${hash}`);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const status = lstatSync(path);
  if (!status.isDirectory() || status.uid !== uid || (status.mode & 0o077) !== 0) {
    throw new Error(`${path} is not ours alone: remove it, or use a shorter --directory`);
  }
  return path;
}
