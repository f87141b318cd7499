import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Resolves when somebody listens there, who need not like to be connected to for that. Rejects after ten seconds. */
export async function listenerThere(path: string): Promise<void> {
  for (let rounds = 0; !isListening(path); rounds++) {
    if (rounds === 500) throw new Error(`nobody listens on ${path} after 10 s`);
    await sleep(20);
  }
}

/** The fourth field has SO_ACCEPTCON, see proc(5). */
function isListening(path: string): boolean {
  const sockets = readFileSync("/proc/net/unix", "utf8").split("\n");
  return sockets.some((line) => line.endsWith(` ${path}`) && line.split(/\s+/)[3] === "00010000");
}
