import { spawn } from "node:child_process";
import { dirname } from "node:path";

/**
 * What each line of commands, given to one virsh, has printed, from the first definition or error on: output and errors
 * together, in their order.
 */
export async function runBatch(socket: string, lines: readonly string[]): Promise<string[]> {
  const uri = `qemu+unix:///session?socket=${socket}`;
  // A shell of its own, so that both outputs are one.
  const child = spawn("/bin/sh", ["-c", 'exec virsh --quiet -c "$0" 2>&1', uri], {
    // Its history and cache go beside the socket.
    env: { LC_ALL: "C", PATH: "/usr/bin:/bin", HOME: dirname(socket) },
    stdio: ["pipe", "pipe", "inherit"],
  });
  // virsh repeats what it reads; what it prints of this has one space less.
  child.stdin.end(lines.map((line) => `${line}\necho line  ends\n`).join(""));
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  await new Promise((resolve) => child.on("close", resolve));
  const parts = output.split("line ends");
  if (parts.length !== lines.length + 1) throw new Error(`virsh has ended before its time: ${output.slice(-500)}`);
  return parts.slice(0, -1).map((part) => {
    const start = part.search(/^(?:<domain|error: )/m);
    return start < 0 ? "" : part.slice(start).replace(/virsh # [^]*$/, "");
  });
}
