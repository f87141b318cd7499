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
    const text = await run(path, side);
    return text.split("\n").slice(0, -1).map(answerOf);
  } finally {
    await side.stop();
  }
}

function run(path: string, side: Side): Promise<string> {
  const uri = `test+unix:///default?socket=${side.socket}`;
  const env = { LC_ALL: "C.UTF-8", PATH: "/usr/bin:/bin", TZ: "UTC", PYTHONDONTWRITEBYTECODE: "1" };
  const options = { env, timeout: 60_000, maxBuffer: 16_777_216 };
  return new Promise((resolve, reject) => {
    const child = execFile(python, [path, uri], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${path} has failed behind "${stdout.slice(-200)}": ${stderr || error.message}`));
    });
    child.stdin?.end();
    let heard = "";
    child.stdout?.on("data", (text: string) => {
      heard = (heard + text).slice(-2 * stop.length - text.length);
      if (!heard.includes(stop)) return;
      heard = "";
      side.stop().catch(reject);
    });
  });
}

function answerOf(line: string): Answer {
  const at = line.indexOf(" = ");
  return { key: line.slice(0, at), value: line.slice(at + 3) };
}
