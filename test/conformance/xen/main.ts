/**
 * Runs in dom0, as root: has virsh say the lines of scripts.txt to libvirtd, and to our daemon after it. Prints both sides'
 * outcomes as JSON, and on stderr how far it has come.
 */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openLoop } from "../../../src/os/index.ts";
import { talk } from "../qemu/talk.ts";
import { readScripts } from "../virsh/script-file.ts";
import type { Outcome } from "../virsh/side.ts";
import { OurXenDaemon, XenLibvirtd } from "./daemons.ts";

const scripts = readScripts(new URL("scripts.txt", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "vwx-"));
/** How long what a guest was asked may take until it is told. */
const guestMs = 8_000;

const guest = readFileSync(new URL("guest.xml", import.meta.url), "utf8").replace(
  "KERNEL",
  process.env["XEN_LAB_GUEST"] ?? "",
);

async function ask(side: XenLibvirtd | OurXenDaemon, name: string): Promise<Outcome[][]> {
  const place = join(directory, `${name}-work`);
  mkdirSync(place);
  writeFileSync(join(place, "guest.xml"), guest);
  const { socket } = side;
  const asked = { socket, settled: () => sleep(guestMs / 3) };
  await side.start();
  try {
    const outcomes: Outcome[][] = [];
    for (const script of scripts) {
      process.stderr.write(`${Math.round(performance.now())} ms: ${name}: ${script.name}\n`);
      outcomes.push(await talk(loop, asked, script, place, "xen"));
    }
    return outcomes;
  } finally {
    await side.stop();
  }
}

const loop = openLoop();
const theirs = await ask(new XenLibvirtd(join(directory, "theirs")), "theirs");
const ours = await ask(new OurXenDaemon(join(directory, "ours")), "ours");
await loop.close();
process.stdout.write(JSON.stringify({ theirs, ours }));
process.exit(0);
