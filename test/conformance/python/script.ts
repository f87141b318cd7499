import { execFile } from "node:child_process";
import type { Side } from "../virsh/side.ts";

export const python = "/usr/bin/python3";

/** One line of what a script has printed: `key = value`. */
export interface Answer {
  readonly key: string;
  readonly value: string;
}

/** With this line a script wants its daemon to go away. */
const stop = "stop = 'now'\n";

/** Runs a script against a fresh hypervisor. Rejects with its traceback when it does not come to its end. */
export async function answersOf(side: Side, path: string): Promise<Answer[]> {
  await side.start();
  try {
    const uri = `test+unix:///default?socket=${side.socket}`;
    return await answersAt([path, uri], () => side.stop());
  } finally {
    await side.stop();
  }
}

/** Runs a script with its arguments. `onStop`: it wants its daemon to go away. */
export function answersAt(args: readonly string[], onStop: () => Promise<void>): Promise<Answer[]> {
  const env = {
    LC_ALL: "C.UTF-8",
    PATH: "/usr/bin:/bin",
    TZ: "UTC",
    PYTHONDONTWRITEBYTECODE: "1",
    PYTHONPATH: import.meta.dirname,
  };
  const options = { env, timeout: 120_000, maxBuffer: 16_777_216 };
  return new Promise((resolve, reject) => {
    const child = execFile(python, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.split("\n").slice(0, -1).map(answerOf));
      else reject(new Error(`${args[0]} has failed behind "${stdout.slice(-200)}": ${stderr || error.message}`));
    });
    child.stdin?.end();
    let heard = "";
    child.stdout?.on("data", (text: string) => {
      heard = (heard + text).slice(-2 * stop.length - text.length);
      if (!heard.includes(stop)) return;
      heard = "";
      onStop().catch(reject);
    });
  });
}

function answerOf(line: string): Answer {
  const at = line.indexOf(" = ");
  return { key: line.slice(0, at), value: line.slice(at + 3) };
}
