import { spawn } from "node:child_process";
import { existsSync } from "node:fs";

const python = "/usr/bin/python3";
export const withoutTerminal = !existsSync(python) && `missing: ${python}`;

/** What is typed once this is to be seen, behind what was awaited before. */
export type Step = readonly [awaited: string, keys: string];

/** Waits for what is to be seen, types, and shows all that was on the screen. */
const typist = `
import json, os, pty, sys
steps = json.loads(sys.argv[1])
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[2], sys.argv[2:])
seen, at = b"", 0
while True:
    try: part = os.read(fd, 4096)
    except OSError: break
    if not part: break
    seen += part
    while steps and seen.find(steps[0][0].encode(), at) >= 0:
        awaited, keys = [each.encode() for each in steps.pop(0)]
        at = seen.find(awaited, at) + len(awaited)
        os.write(fd, keys)
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) % 256)
`;

export interface Session {
  readonly status: number | null;
  readonly screen: string;
}

/** Runs a program at a terminal, where somebody types. */
export async function atTerminal(command: readonly string[], steps: readonly Step[], cwd: string): Promise<Session> {
  const env = { ...process.env, TERM: "xterm", XDG_STATE_HOME: cwd };
  const child = spawn(python, ["-c", typist, JSON.stringify(steps), ...command], {
    env,
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 30_000,
  });
  let screen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (screen += text));
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { status, screen };
}
