import { DomainState, ErrorCode, VirError } from "../../../src/protocol/index.ts";
import type { ScriptGuest, Step } from "../rounds/script.ts";

const { running, paused, shutoff } = DomainState;
const [defined, undefined_, started, restored] = ["0/0", "1/0", "2/0", "2/2"];
const [suspended, resumed, ended, destroyed, saved] = ["3/0", "4/0", "5/0", "5/1", "5/4"];

/** Of a guest: what it is built of, saved and restored page by page, takes most of a round. */
const memoryMib = 4;
/** How much memory the guest is left, in KiB, and how many processors it gets. */
const fewer = { kib: 3_072, vcpus: 2 };

/** What a guest is like, seen from outside: in words what is wrong with it. */
export interface GuestView {
  /** It goes on with the memory with which it was saved. */
  keptMemory(guest: ScriptGuest): Promise<string | undefined>;
  hasMemory(guest: ScriptGuest, kib: number): Promise<string | undefined>;
  hasVcpus(guest: ScriptGuest, count: number): Promise<string | undefined>;
}

const create: Step<ScriptGuest> = {
  what: "create a transient one",
  act: ({ client, xml }) => client.call.domainCreateXml({ xmlDesc: xml, flags: 0 }),
  told: [started],
  state: running,
};

/** What is right on Xen. A reboot is an end and a start, with another number. */
export const xenScript = (view: GuestView): readonly Step<ScriptGuest>[] => [
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
    check: (guest) => view.keptMemory(guest),
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
    check: (guest) => view.hasMemory(guest, fewer.kib),
  },
  {
    what: "give it a processor more",
    act: ({ client, dom }) => client.call.domainSetVcpusFlags({ dom, nvcpus: fewer.vcpus, flags: 1 }),
    told: [],
    state: running,
    check: (guest) => view.hasVcpus(guest, fewer.vcpus),
  },
  {
    what: "destroy the last one",
    act: ({ client, dom }) => client.call.domainDestroy({ dom }),
    told: [destroyed],
    state: "none",
  },
];

export function definitionOf(dom: { readonly name: string; readonly uuid: string }, kernel: string): string {
  return `<domain type='xen'><name>${dom.name}</name><uuid>${dom.uuid}</uuid><memory unit='MiB'>${memoryMib}</memory>
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
