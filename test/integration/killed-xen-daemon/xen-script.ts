import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { DomainState, ErrorCode, VirError } from "../../../src/protocol/index.ts";
import type { ScriptGuest, Step } from "../rounds/script.ts";

const run = promisify(execFile);
const { running, paused, shutoff } = DomainState;
const [defined, undefined_, started, restored] = ["0/0", "1/0", "2/0", "2/2"];
const [suspended, resumed, ended, destroyed, saved] = ["3/0", "4/0", "5/0", "5/1", "5/4"];

/** How much memory the guest is left, in KiB, and how many processors it gets. */
const fewer = { kib: 12_288, vcpus: 2 };
const patienceMs = 60_000;

const create: Step<ScriptGuest> = {
  what: "create a transient one",
  act: ({ client, xml }) => client.call.domainCreateXml({ xmlDesc: xml, flags: 0 }),
  told: [started],
  state: running,
};

/** What is right on Xen. A reboot is an end and a start, with another number. */
export const xenScript: readonly Step<ScriptGuest>[] = [
  { what: "define", act: ({ client, xml }) => client.call.domainDefineXml({ xml }), told: [defined], state: shutoff },
  { what: "start", act: ({ client, dom }) => client.call.domainCreate({ dom }), told: [started], state: running },
  { what: "destroy", act: ({ client, dom }) => client.call.domainDestroy({ dom }), told: [destroyed], state: shutoff },
  {
    what: "undefine",
    act: ({ client, dom }) => client.call.domainUndefine({ dom }),
    told: [undefined_],
    state: "none",
  },
  create,
  { what: "suspend", act: ({ client, dom }) => client.call.domainSuspend({ dom }), told: [suspended], state: paused },
  { what: "resume", act: ({ client, dom }) => client.call.domainResume({ dom }), told: [resumed], state: running },
  {
    what: "reboot",
    act: ({ client, dom }) => client.call.domainReboot({ dom, flags: 0 }),
    told: [ended, started],
    state: running,
    isByGuest: true,
  },
  {
    what: "shut down",
    act: ({ client, dom }) => client.call.domainShutdown({ dom }),
    told: [ended],
    state: "none",
    isByGuest: true,
  },
  { ...create, what: "create again" },
  {
    what: "save",
    act: ({ client, dom, file }) => client.call.domainSave({ dom, to: file }),
    told: [saved],
    state: "none",
  },
  {
    what: "restore",
    act: ({ client, file }) => client.call.domainRestore({ from: file }),
    told: [restored],
    state: running,
    check: keptMemory,
  },
  { what: "dump", act: dump, told: [], state: running },
  {
    what: "destroy the transient one",
    act: ({ client, dom }) => client.call.domainDestroy({ dom }),
    told: [destroyed],
    state: "none",
  },
  { ...create, what: "create one of the same uuid" },
  {
    what: "give it less memory",
    act: ({ client, dom }) => client.call.domainSetMemoryFlags({ dom, memory: BigInt(fewer.kib), flags: 1 }),
    told: [],
    state: running,
    check: (guest) => holds(guest, "memory/target", String(fewer.kib)),
  },
  {
    what: "give it a processor more",
    act: ({ client, dom }) => client.call.domainSetVcpusFlags({ dom, nvcpus: fewer.vcpus, flags: 1 }),
    told: [],
    state: running,
    check: (guest) => holds(guest, "cpu/1/availability", "online"),
  },
  {
    what: "destroy the last one",
    act: ({ client, dom }) => client.call.domainDestroy({ dom }),
    told: [destroyed],
    state: "none",
  },
];

export function definitionOf(dom: { readonly name: string; readonly uuid: string }, kernel: string): string {
  return `<domain type='xen'><name>${dom.name}</name><uuid>${dom.uuid}</uuid><memory unit='MiB'>16</memory>
    <vcpu current='1'>2</vcpu><os><type>linux</type><kernel>${kernel}</kernel><cmdline>tick=500</cmdline></os></domain>`;
}

/** libxl has nothing to write of a guest that keeps no table of its memory: it says so, and the guest goes on. */
async function dump({ client, dom, file }: ScriptGuest): Promise<void> {
  try {
    await client.call.domainCoreDump({ dom, to: `${file}.core`, flags: 0 });
  } catch (error) {
    if (!(error instanceof VirError) || error.code !== ErrorCode.internalError) throw error;
  }
}

/** xenconsoled writes down by name what a guest says. */
async function keptMemory({ dom }: ScriptGuest): Promise<string | undefined> {
  const end = Date.now() + patienceMs;
  for (; Date.now() < end; await sleep(20)) {
    const said = readFileSync(`/var/log/xen/console/guest-${dom.name}.log`, "latin1");
    const sums = [...said.matchAll(/^(up|resumed) .*memory=(\w+)\r?$/gm)];
    if (sums.at(-1)?.[1] !== "resumed") continue;
    const [before, after] = sums.slice(-2).map(([, , sum]) => sum);
    return before === after ? undefined : `its memory was ${before}, and is ${after}`;
  }
  return "it does not say that it goes on";
}

async function holds(guest: ScriptGuest, node: string, wanted: string): Promise<string | undefined> {
  const path = `/local/domain/${await numberOf(guest)}/${node}`;
  const { stdout } = await run("xenstore-read", [path]);
  return stdout.trim() === wanted ? undefined : `${path} is ${stdout.trim()}, and not ${wanted}`;
}

async function numberOf({ client, dom }: ScriptGuest): Promise<number> {
  return (await client.call.domainLookupByUuid({ uuid: dom.uuid })).dom.id;
}
