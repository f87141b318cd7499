import { readdir, readFile } from "node:fs/promises";

/** Sends a signal to the QEMU of the guest with this uuid. False: there is none here, or it is not ours to signal. */
export async function signalGuest(uuid: string, signal: string): Promise<boolean> {
  const pid = await guestProcess(uuid);
  if (pid === undefined) return false;
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** By its command line, in which the uuid stands as libvirt and we write it. */
async function guestProcess(uuid: string): Promise<number | undefined> {
  for (const name of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    const line = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    const [program = "", ...args] = line.split("\0");
    if (program.includes("qemu") && args.some((arg) => arg === uuid || arg.includes(`uuid=${uuid}`)))
      return Number(name);
  }
  return undefined;
}
