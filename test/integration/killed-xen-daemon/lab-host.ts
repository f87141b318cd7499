import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Random } from "../../../fuzz/random.ts";
import { openProcess } from "../../../src/os/index.ts";
import type { DaemonClient } from "../killed-daemon/daemon-client.ts";
import type { DaemonLife } from "../killed-daemon/daemon-life.ts";
import type { ScriptGuest } from "../rounds/script.ts";
import type { LibxlRole, XenHost } from "./xen-host.ts";
import { descriptorsOf, filesOf, type Leftovers } from "./xen-leftovers.ts";
import { definitionOf, type GuestView, xenScript } from "./xen-script.ts";
import { lookBeside } from "./xl-beside.ts";

const run = promisify(execFile);
/** For each process the daemon has a socket, which is watched, the process itself, and the watch of that one. */
const costs = { descriptors: 3, registrations: 2 };
const patienceMs = 60_000;

/** The real Xen, seen from its dom0 as anybody could. */
export class LabHost implements XenHost {
  readonly script = xenScript(seenInDom0);
  readonly heardMs = 10_000;
  readonly daemon = fileURLToPath(new URL(`./daemon-process${extname(import.meta.filename)}`, import.meta.url));
  readonly #kernel: string;

  /** `kernel`: of the small guest. */
  constructor(kernel: string) {
    this.#kernel = kernel;
  }

  definitionOf(dom: { readonly name: string; readonly uuid: string }): string {
    return definitionOf(dom, this.#kernel);
  }

  kill(role: LibxlRole, random: Random): boolean {
    const pid = random.pick(libxlProcesses(role));
    if (pid === undefined) return false;
    const process = openProcess(pid);
    process?.signal("SIGKILL");
    process?.close();
    return true;
  }

  async look(directory: string, life: DaemonLife): Promise<Leftovers> {
    const observers = libxlProcesses("observer");
    const operators = libxlProcesses("operations");
    const helpers = processesWith(([program = ""]) => /\/libxl-save-helper$|^xl$/.test(program)).length;
    const counts = await life.counts();
    const processes = observers.length + operators.length;
    return {
      domains: (await linesOf("xl", ["list"])).slice(1).flatMap((line) => /^\S+ +([1-9]\d*) /.exec(line)?.[1] ?? []),
      nodes: (await linesOf("xenstore-ls", ["-f"])).map((line) => line.replace(/ = .*/, "")),
      files: filesOf(directory),
      observers: observers.length,
      helpers,
      descriptors: new Map([...observers, ...operators].map((pid) => [pid, descriptorsOf(pid)])),
      held: {
        ...counts,
        descriptors: descriptorsOf(life.pid) - costs.descriptors * processes,
        registrations: counts.registrations - costs.registrations * processes,
      },
    };
  }

  lookBeside(client: DaemonClient, directory: string): Promise<string[]> {
    return lookBeside(client, directory, this.#kernel);
  }

  /** They have two seconds to notice that nobody needs them any more. */
  async outliving(): Promise<number> {
    await sleep(2_000);
    return libxlProcesses("observer").length + libxlProcesses("operations").length;
  }
}

/** Processes with a context of libxl; a dead one has no words. */
function libxlProcesses(role: LibxlRole): number[] {
  return processesWith(([, program = "", word]) => /\/main\.[jt]s$/.test(program) && word === role);
}

const seenInDom0: GuestView = {
  /** xenconsoled writes down by name what a guest says. */
  async keptMemory({ dom }) {
    const end = Date.now() + patienceMs;
    for (; Date.now() < end; await sleep(250)) {
      const said = readFileSync(`/var/log/xen/console/guest-${dom.name}.log`, "latin1");
      const sums = [...said.matchAll(/^(up|resumed) .*memory=(\w+)\r?$/gm)];
      if (sums.at(-1)?.[1] !== "resumed") continue;
      const [before, after] = sums.slice(-2).map(([, , sum]) => sum);
      return before === after ? undefined : `its memory was ${before}, and is ${after}`;
    }
    return "it does not say that it goes on";
  },
  hasMemory: (guest, kib) => holds(guest, "memory/target", String(kib)),
  hasVcpus: (guest, count) => holds(guest, `cpu/${count - 1}/availability`, "online"),
};

async function holds(guest: ScriptGuest, node: string, wanted: string): Promise<string | undefined> {
  const path = `/local/domain/${await numberOf(guest)}/${node}`;
  const { stdout } = await run("xenstore-read", [path]);
  return stdout.trim() === wanted ? undefined : `${path} is ${stdout.trim()}, and not ${wanted}`;
}

async function numberOf({ client, dom }: ScriptGuest): Promise<number> {
  return (await client.call.domainLookupByUuid({ uuid: dom.uuid })).dom.id;
}

function processesWith(fits: (words: readonly string[]) => boolean): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => {
      try {
        return pid > 0 && fits(readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0"));
      } catch {
        return false;
      }
    });
}

async function linesOf(program: string, args: readonly string[]): Promise<string[]> {
  const { stdout } = await run(program, args, { maxBuffer: 16 * 1024 * 1024 });
  return stdout.trimEnd().split("\n");
}
