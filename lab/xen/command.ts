import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Runs a program of this machine to its end; rejects with its messages when it fails. Resolves with its output. */
export async function command(program: string, args: readonly string[], directory: string): Promise<Buffer> {
  const options = { cwd: directory, encoding: "buffer", maxBuffer: 256 * 1024 * 1024, timeout: 300_000 } as const;
  const { stdout } = await run(program, args, options);
  return stdout;
}
