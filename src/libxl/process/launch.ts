import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { Loop, Transport } from "../../event/index.ts";
import { spawnDetached, UnixTransport, watchProcess } from "../../os/index.ts";
import { close } from "../../os/libc.ts";
import { pairSockets } from "../../os/socket.ts";
import type { LogLevel } from "../log-line.ts";
import type { ProcessRoster } from "./roster.ts";
import type { Role } from "./wire.ts";

/** A process that has, or will have, a context of libxl. */
export interface ContextProcess {
  readonly transport: Transport;
  /** Ends it by force: it no longer answers. */
  kill(): void;
}

export type Launch = (role: Role) => Promise<ContextProcess>;

export interface LaunchOptions {
  /** From which level on libxl's messages come over. Default "notice". */
  readonly logLevel?: LogLevel;
  /** A file to which the processes' own complaints, a crash for instance, are appended. Default /dev/null. */
  readonly stderr?: string;
  /** Where they stand as long as they last. Absent: nowhere. */
  readonly roster?: Pick<ProcessRoster, "enter" | "leave">;
}

/**
 * Starts processes of this very Node. Each has a session of its own: it outlives us as long as what it has begun takes.
 */
export function launchProcesses(loop: Loop, { logLevel = "notice", stderr, roster }: LaunchOptions = {}): Launch {
  const program = fileURLToPath(new URL(`./main${extname(import.meta.filename)}`, import.meta.url));
  return async (role) => {
    const [ours, theirs] = pairSockets();
    try {
      const options = { fds: [theirs], ...(stderr !== undefined && { stderr }) };
      const process_ = await spawnDetached(process.execPath, [program, role, logLevel], options);
      watchProcess(loop, process_, () => {
        roster?.leave(process_.identity);
        process_.close();
      });
      roster?.enter(process_.identity);
      return { transport: new UnixTransport(loop, ours), kill: () => void process_.signal("SIGKILL") };
    } catch (error) {
      close(ours);
      throw error;
    } finally {
      close(theirs);
    }
  };
}
