import type { Origin } from "../../../src/daemon/index.ts";
import {
  type Client,
  type Domain,
  lxc,
  MessageType,
  type Procedure,
  qemu,
  remote,
  virtwright,
} from "../../../src/protocol/index.ts";
import type { CallOptions, Connection, Stream } from "../../../src/rpc/index.ts";
import { struct, uint } from "../../../src/xdr/index.ts";
import { plausibleArgs } from "../../conformance/coverage/plausible.ts";
import { message, nothing } from "../../rpc/world.ts";

type Call = Client<typeof remote.procedures, CallOptions, Stream>;

/** What an attacker has in hand. */
export interface Attacker {
  readonly call: Call;
  readonly connection: Connection;
  readonly own: Client<typeof virtwright.procedures, CallOptions, Stream>;
  /** Something of somebody else's that may not be touched. */
  readonly dom: Domain;
  /** Of somebody else's subscription. */
  readonly callbackId: number;
}

/** An attack by calls: each of them has to be answered with an error. */
export interface CallAttack {
  readonly name: string;
  readonly as: keyof typeof origins;
  readonly calls: (attacker: Attacker) => Promise<unknown>[];
}

/** An attack by bytes, before a hypervisor is open. */
export interface WireAttack {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What has to come of it: the end, an error as the answer, or nothing at all. */
  readonly ends: "closed" | "error" | "ignored";
}

/** An attack by a handshake of HTTP, at the door for browsers. */
export interface DoorAttack {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly path?: string;
  /** Of the answer. */
  readonly status: 400 | 401 | 403 | 431;
}

/** Who attacks. */
export const origins = {
  user: { door: "unix", identity: { uid: 0, gid: 0, pid: 1 } },
  reader: { door: "unix", identity: { uid: 0, gid: 0, pid: 1 }, readOnly: true },
  viewer: { door: "tls", certificate: "CN=viewer" },
  unknown: { door: "tls", auth: "sasl" },
} as const satisfies Readonly<Record<string, Origin>>;

/** Rules under which all attacks happen: whom they do not name is root, by the kernel's word. */
export const rules = ["allow certificate CN=viewer *:getattr,*:read,connect:search_*,storage_pool:search_storage_vols"];

const rows = remote.procedures;
const words = (...values: readonly number[]): Uint8Array => {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * index);
  return bytes;
};
const wire = (name: string, bytes: Uint8Array, ends: WireAttack["ends"]): WireAttack => ({ name, bytes, ends });
const oneWord = struct("word", { word: uint });

export const wireAttacks: readonly WireAttack[] = [
  ...[0, 3, 27, 0x7fff_ffff, 0xffff_ffff, 33_554_437].map((length) =>
    wire(`a message of ${length} bytes, as it says`, words(length, 1, 1, 1, 0, 0, 0), "closed"),
  ),
  wire("more than a stranger may send", words(262_145, 0x2000_8086), "closed"),
  wire("a program that is not there", message({ program: 77 }, nothing, {}), "error"),
  wire("a version that is not there", message({ version: 2 }, nothing, {}), "error"),
  wire("procedure -1", message({ procedure: -1 }, nothing, {}), "error"),
  wire("a procedure behind the last", message({ procedure: 9_999 }, nothing, {}), "error"),
  wire("an event as a call", message({ procedure: rows.domainEventLifecycle.number }, nothing, {}), "error"),
  wire("a call with a status", message({ procedure: 1, status: 1 }, nothing, {}), "error"),
  wire("a type that is not there", message({ procedure: 1, type: 77 }, nothing, {}), "ignored"),
  wire("a reply to nothing", message({ procedure: 1, type: MessageType.reply }, nothing, {}), "ignored"),
  wire(
    "data for a stream that is not there",
    message({ procedure: 201, type: MessageType.stream }, nothing, {}),
    "ignored",
  ),
  wire("arguments cut short", message({ procedure: 1 }, oneWord, { word: 1 }), "error"),
  wire(
    "a string that is longer than its message",
    Buffer.concat([words(40, 0x2000_8086, 1, 1, 0, 0, 0), words(1, 0x7fff_ffff, 0)]),
    "error",
  ),
  wire(
    "an array that is longer than its message",
    Buffer.concat([words(36, 0x2000_8086, 1, rows.authSaslStart.number, 0, 0, 0), words(0, 0x4000_0000)]),
    "error",
  ),
  wire(
    "a count of descriptors beyond all bounds",
    Buffer.concat([words(32, 0x2000_8086, 1, 1, MessageType.callWithFds, 0, 0), words(0xffff_ffff)]),
    "closed",
  ),
  wire(
    "a hypervisor call before there is one",
    message({ procedure: rows.domainDestroy.number }, rows.domainDestroy.args, {
      dom: { name: "test", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 1 },
    }),
    "error",
  ),
  wire("a log-in where nobody logs in", message({ procedure: rows.authSaslInit.number }, nothing, {}), "error"),
  wire("polkit where there is none", message({ procedure: rows.authPolkit.number }, nothing, {}), "error"),
  wire("the administration's program", message({ program: 0x0690_0690, procedure: 20 }, oneWord, { word: 0 }), "error"),
];

/** What the door for browsers goes by. */
export const door = { page: "https://vm.example.org", token: "ab".repeat(32) } as const;
const asking = (...tokens: readonly string[]): Record<string, string> => ({
  origin: door.page,
  "sec-websocket-protocol": ["virtwright", ...tokens.map((token) => `token.${token}`)].join(", "),
});

export const doorAttacks: readonly DoorAttack[] = [
  { name: "no token", headers: asking(), status: 401 },
  { name: "the token of another run", headers: asking("cd".repeat(32)), status: 401 },
  { name: "the right token behind a wrong one", headers: asking("x", door.token), status: 401 },
  { name: "a token that begins with the right one", headers: asking(`${door.token}00`), status: 401 },
  { name: "the token in capitals", headers: asking(door.token.toUpperCase()), status: 401 },
  { name: "the token in the address", headers: asking(), path: `/?token=${door.token}`, status: 401 },
  { name: "the token in a cookie", headers: { ...asking(), cookie: `token=${door.token}` }, status: 401 },
  { name: "the token as a password", headers: { ...asking(), authorization: `Bearer ${door.token}` }, status: 401 },
  { name: "another page with the token", headers: { ...asking(door.token), origin: "https://evil.org" }, status: 403 },
  { name: "a page in a page below", headers: { ...asking(door.token), origin: `${door.page}.evil.org` }, status: 403 },
  { name: "a page of no origin", headers: { ...asking(door.token), origin: "null" }, status: 403 },
  { name: "the page at another port", headers: { ...asking(door.token), origin: `${door.page}:8443` }, status: 403 },
  {
    name: "the page without encryption",
    headers: { ...asking(door.token), origin: "http://vm.example.org" },
    status: 403,
  },
  { name: "another protocol over HTTP", headers: { ...asking(door.token), upgrade: "h2c" }, status: 400 },
  { name: "a head of 20,000 characters", headers: { ...asking(door.token), cookie: "x".repeat(20_000) }, status: 431 },
];

const guest = (inner: string, root = "domain type='test'"): string => `<${root}>${inner}</domain>`;
const whole = "<name>evil</name><memory>8192</memory><os><type>hvm</type></os>";
const bomb = `<!DOCTYPE d [<!ENTITY a "${"x".repeat(64)}">${Array.from({ length: 20 }, (_, index) => `<!ENTITY a${index} "${`&a${index === 0 ? "" : index - 1};`.repeat(10)}">`).join("")}]>`;

/** Each has to be refused by every call that reads a definition. */
const definitions: readonly (readonly [string, string])[] = [
  ["a bomb of entities", bomb + guest(`<name>&a19;</name>`)],
  [
    "an entity that is a file",
    `<!DOCTYPE d [<!ENTITY f SYSTEM "file:///etc/passwd">]>${guest(whole.replace("evil", "&f;"))}`,
  ],
  ["an entity by a parameter", `<!DOCTYPE d [<!ENTITY % p SYSTEM "http://127.0.0.1:1/">%p;]>${guest(whole)}`],
  ["an entity that nobody has declared", guest(`<name>&evil;</name>`)],
  ["elements 100,000 deep", guest(whole + "<a>".repeat(100_000) + "</a>".repeat(100_000))],
  ["elements 300 deep", guest(whole + "<a>".repeat(300) + "</a>".repeat(300))],
  [
    "an element with 5,000 attributes",
    guest(`${whole}<a ${Array.from({ length: 5_000 }, (_, index) => `a${index}='1'`).join(" ")}/>`),
  ],
  ["40,000 elements", guest(whole + "<a/>".repeat(40_000))],
  ["two million characters", guest(`${whole}<description>${"x".repeat(2_000_000)}</description>`)],
  ["a zero character", guest(whole.replace("evil", "ev\0il"))],
  ["a reference to a zero character", guest(whole.replace("evil", "ev&#0;il"))],
  ["an end that does not fit", "<domain type='test'><name>evil</domain></name>"],
  ["two roots", guest(whole) + guest(whole)],
  ["no element at all", "evil"],
  ["nothing", ""],
  ["an attribute twice", guest(whole, "domain type='test' type='qemu'")],
  ["another kind of object", "<network><name>evil</name></network>"],
  ["a name with a slash", guest(whole.replace("evil", "../../etc/evil"))],
  ["a name with an end of line", guest(whole.replace("evil", "ev\nil"))],
  ["no name", guest(whole.replace("<name>evil</name>", ""))],
  ["a uuid that is none", guest(`${whole}<uuid>../../../etc/passwd</uuid>`)],
  ["memory beyond all numbers", guest(whole.replace("8192", "99999999999999999999999"))],
  ["negative memory", guest(whole.replace("8192", "-8192"))],
  ["another's uuid", guest(`${whole}<uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>`)],
];

const flags = 0;
const huge = 0x7fff_ffff;
const pool = { name: "default-pool", uuid: "dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566" };
const nowhere = "00000000-0000-4000-8000-000000000000";

const named = (root: string, name: string): string => `<${root}><name>${name}</name></${root}>`;
const pooled = (name: string): string =>
  `<pool type='dir'><name>${name}</name><target><path>/evil</path></target></pool>`;

function attack(name: string, calls: CallAttack["calls"], as: CallAttack["as"] = "user"): CallAttack {
  return { name, as, calls };
}

const byUser: readonly CallAttack[] = [
  ...definitions.map(([name, xml]) =>
    attack(`a definition with ${name}`, ({ call }) => [
      call.domainDefineXml({ xml }),
      call.domainDefineXmlFlags({ xml, flags: 1 }),
      call.domainCreateXml({ xmlDesc: xml, flags }),
      ...(name === "another kind of object" ? [] : [call.networkDefineXml({ xml })]),
      call.storagePoolDefineXml({ xml, flags }),
    ]),
  ),
  attack("ids that no domain has", ({ call }) => [-1, 0, huge, -huge].map((id) => call.domainLookupById({ id }))),
  attack("names that no object has", ({ call }) =>
    ["", "../test", "test\0", "x".repeat(100_000)].flatMap((name) => [
      call.domainLookupByName({ name }),
      call.networkLookupByName({ name }),
      call.storagePoolLookupByName({ name }),
    ]),
  ),
  attack("a uuid that nobody has, with a name that somebody has", ({ call, dom }) => {
    const ghost = { ...dom, uuid: nowhere };
    return [
      call.domainDestroy({ dom: ghost }),
      call.domainGetXmlDesc({ dom: ghost, flags }),
      call.domainUndefine({ dom: ghost }),
    ];
  }),
  attack("numbers of processors beyond all bounds", ({ call, dom }) => [
    call.domainSetVcpus({ dom, nvcpus: 0 }),
    call.domainSetVcpus({ dom, nvcpus: 0xffff_ffff }),
    call.domainPinVcpu({ dom, vcpu: 0xffff_ffff, cpumap: Uint8Array.of(1) }),
    call.domainGetVcpus({ dom, maxinfo: huge, maplen: huge }),
    call.domainGetVcpus({ dom, maxinfo: -1, maplen: 1 }),
    call.domainGetVcpuPinInfo({ dom, ncpumaps: huge, maplen: huge, flags }),
    call.domainGetCpuStats({ dom, nparams: 0xffff_ffff, startCpu: -2, ncpus: 0xffff_ffff, flags }),
  ]),
  attack("numbers of parameters beyond all bounds", ({ call, dom }) => [
    call.domainGetSchedulerParameters({ dom, nparams: huge }),
    call.domainGetMemoryParameters({ dom, nparams: -1, flags }),
    call.domainGetBlkioParameters({ dom, nparams: huge, flags }),
    call.domainGetInterfaceParameters({ dom, device: "testnet0", nparams: huge, flags }),
    call.nodeGetCpuStats({ cpuNum: -77, nparams: huge, flags }),
    call.nodeGetMemoryStats({ nparams: huge, cellNum: -77, flags }),
  ]),
  attack("lists longer than a list may be", ({ call, dom }) => [
    call.connectListDomains({ maxids: -1 }),
    call.connectListDomains({ maxids: huge }),
    call.connectListDefinedDomains({ maxnames: huge }),
    call.connectListNetworks({ maxnames: -1 }),
    call.storagePoolListVolumes({ pool, maxnames: huge }),
    call.domainSnapshotListNames({ dom, maxnames: -1, flags }),
    call.nodeGetCellsFreeMemory({ startCell: -1, maxcells: huge }),
    call.nodeGetFreePages({ pages: [4], startCell: -5, cellCount: 0xffff_ffff, flags }),
  ]),
  attack("flags that nobody has defined", ({ call, dom }) => [
    call.domainGetXmlDesc({ dom, flags: 0x8000_0000 }),
    call.domainCreateWithFlags({ dom, flags: 0x8000_0000 }),
    call.domainUndefineFlags({ dom, flags: 0x8000_0000 }),
    call.domainDestroyFlags({ dom, flags: 0x8000_0000 }),
    call.connectListAllDomains({ needResults: 1, flags: 0x8000_0000 }),
  ]),
  attack("memory beyond all bounds", ({ call, dom }) => [
    call.domainSetMaxMemory({ dom, memory: 0xffff_ffff_ffff_ffffn }),
    call.domainSetMemory({ dom, memory: 0xffff_ffff_ffff_ffffn }),
    call.domainMemoryPeek({ dom, offset: 0n, size: 0xffff_ffff, flags: 1 }),
    call.domainBlockPeek({ dom, path: "/etc/passwd", offset: 0n, size: 64, flags }),
  ]),
  attack("files of this machine as a guest's disk or image", ({ call, dom }) => [
    call.domainRestore({ from: "/etc/passwd" }),
    call.domainRestore({ from: "../../../../etc/passwd" }),
    call.domainRestoreFlags({ from: "/proc/self/mem", dxml: null, flags }),
    call.domainSaveImageGetXmlDesc({ file: "/etc/passwd", flags }),
    call.domainSaveImageDefineXml({ file: "/etc/passwd", dxml: guest(whole), flags }),
    call.domainBlockStats({ dom, path: "/etc/passwd" }),
    call.domainGetBlockInfo({ dom, path: "../../etc/passwd", flags }),
  ]),
  attack("places where no image can be written", ({ call, dom }) => [
    call.domainSave({ dom, to: "/proc/evil" }),
    call.domainSave({ dom, to: "/nosuch/../../evil" }),
    call.domainCoreDump({ dom, to: "/proc/evil", flags }),
    call.domainCoreDump({ dom, to: "", flags }),
  ]),
  attack("volumes outside of their pool", ({ call }) => [
    call.storageVolLookupByName({ pool, name: "../../etc/passwd" }),
    call.storageVolLookupByPath({ path: "/etc/passwd" }),
    call.storageVolLookupByKey({ key: "/etc/passwd" }),
    call.storageVolDelete({ vol: { pool: pool.name, name: "../../etc/passwd", key: "/etc/passwd" }, flags }),
    call.storageVolGetPath({ vol: { pool: "../../etc", name: "passwd", key: "/etc/passwd" } }),
  ]),
  attack("names that lead elsewhere", ({ call, dom }) => [
    call.domainCheckpointCreateXml({ dom, xmlDesc: named("domaincheckpoint", "../../evil"), flags }),
    call.networkDefineXml({ xml: named("network", "../../evil") }),
    call.networkCreateXml({ xml: named("network", "a/b") }),
    call.storagePoolDefineXml({ xml: pooled("../../evil"), flags }),
    call.storagePoolCreateXml({ xml: pooled("a/b"), flags }),
  ]),
  attack("a volume larger than its pool", ({ call }) => [
    call.storageVolCreateXml({
      pool,
      xml: "<volume><name>evil</name><capacity>99999999999999999999999999</capacity></volume>",
      flags,
    }),
    call.storageVolCreateXml({
      pool,
      xml: `<volume><name>evil</name><capacity unit='EB'>${"9".repeat(30)}</capacity></volume>`,
      flags,
    }),
  ]),
  attack("devices that are none", ({ call, dom }) => [
    call.domainAttachDevice({ dom, xml: bomb }),
    call.domainAttachDevice({ dom, xml: "<evil/>" }),
    call.domainUpdateDeviceFlags({ dom, xml: "", flags }),
    call.domainDetachDevice({ dom, xml: "<interface type='network'><mac address='zz'/></interface>" }),
    call.domainDetachDeviceAlias({ dom, alias: "../evil", flags }),
  ]),
  attack("a name that is none", ({ call, dom }) => [
    call.domainRename({ dom, newName: "../../evil", flags }),
    call.domainRename({ dom, newName: "", flags }),
    call.domainRename({ dom, newName: null, flags }),
  ]),
  attack("somebody else's subscription, call and stream", ({ call, own, callbackId }) => [
    call.connectDomainEventCallbackDeregisterAny({ callbackId }),
    call.connectDomainEventCallbackDeregisterAny({ callbackId: -1 }),
    own.eventsClose({ callbackId }),
    own.callCancel({ serial: 4_711 }).then(({ found }) => (found ? found : Promise.reject(new Error("not found")))),
  ]),
  attack("events that nobody has", ({ call, dom }) => [
    call.connectDomainEventCallbackRegisterAny({ eventId: -1, dom: null }),
    call.connectDomainEventCallbackRegisterAny({ eventId: 9_999, dom }),
    call.connectDomainEventRegisterAny({ eventId: huge }),
  ]),
  attack("a second hypervisor, and identities that are not its caller's", ({ call }) => [
    call.connectOpen({ name: "test:///default", flags }),
    call.connectSetIdentity({ params: [{ field: "unix-user-id", value: { type: "ullong", value: 0n } }], flags }),
    call.authSaslInit({}),
    call.authSaslStart({ mech: "PLAIN", nil: 0, data: Buffer.from("\0root\0root") }),
  ]),
  attack("a monitor and an agent of a guest that has none", ({ connection, dom }) => [
    connection.call(qemu, "domainMonitorCommand", { dom, cmd: '{"execute":"quit"}', flags }),
    connection.call(qemu, "domainAgentCommand", { dom, cmd: '{"execute":"guest-shutdown"}', timeout: 1, flags }),
  ]),
];

const byOthers: readonly CallAttack[] = [
  attack(
    "everything, without having logged in",
    ({ call, own, dom }) => [
      call.connectOpen({ name: "test:///default", flags }),
      call.connectSupportsFeature({ feature: 10 }),
      call.domainDestroy({ dom }),
      call.connectListAllDomains({ needResults: 1, flags }),
      call.connectClose({}),
      own.hello({}),
      own.callPrepare({ serial: 1, timeoutMs: 1, key: "k" }),
    ],
    "unknown",
  ),
  attack(
    "steps of a log-in that has not begun",
    ({ call }) => [
      call.authSaslStep({ nil: 0, data: Buffer.from("c=biws,r=x,p=AAAA") }),
      call.authSaslStart({ mech: "EXTERNAL", nil: 0, data: Buffer.from("root") }),
    ],
    "unknown",
  ),
  attack(
    "a proof that was overheard",
    ({ call }) => [
      call
        .authSaslStart({ mech: "SCRAM-SHA-256", nil: 0, data: Buffer.from("n,,n=user,r=rOprNGfwEbeRWgbNEkqO") })
        .then(() =>
          call.authSaslStep({
            nil: 0,
            data: Buffer.from(
              "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            ),
          }),
        ),
    ],
    "unknown",
  ),
  attack(
    "secrets, by who may only read",
    ({ call, dom }) => [
      call.domainGetXmlDesc({ dom, flags: 1 }),
      call.domainGetXmlDesc({ dom, flags: 8 }),
      call.domainGetXmlDesc({ dom, flags: 0xffff_ffff }),
    ],
    "reader",
  ),
  attack(
    "secrets, by who has no right to them",
    ({ call, dom }) => [call.domainGetXmlDesc({ dom, flags: 1 }), call.domainGetXmlDesc({ dom, flags: 3 })],
    "viewer",
  ),
  ...(["reader", "viewer"] as const).flatMap((as) =>
    inTens(changing()).map((some) =>
      // The answer of one that is not refused says which it was.
      attack(
        `calls that change something, from ${some[0]?.[0]} on, by a ${as}`,
        ({ connection }) => some.map(([name, program]) => askFor(connection, program, name).then(() => name)),
        as,
      ),
    ),
  ),
];

export const callAttacks: readonly CallAttack[] = [...byUser, ...byOthers];

function inTens<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / 10) }, (_, index) => all.slice(10 * index, 10 * index + 10));
}

/** All calls that a read-only connection may never make, and those that it may not make with certain flags. */
export function changing(): [string, typeof remote | typeof qemu | typeof virtwright | typeof lxc][] {
  return [remote, qemu, lxc, virtwright].flatMap((program) =>
    Object.entries<Procedure>(program.procedures)
      .filter(([, row]) => row.kind === "call" && row.readOnly !== "allowed")
      .map(([name]) => [name, program] as [string, typeof remote]),
  );
}

function askFor(
  connection: Connection,
  program: ReturnType<typeof changing>[number][1],
  name: string,
): Promise<unknown> {
  const row = (program.procedures as Readonly<Record<string, Procedure>>)[name];
  if (row?.kind !== "call") throw new Error(`${name} is no call`);
  const { readOnly: rule } = row;
  const telling = typeof rule === "string" ? {} : { [rule.argument ?? "flags"]: rule.unlessFlags };
  const args = { ...plausibleArgs(name, row.args.fields), ...telling } as never;
  return row.stream === undefined
    ? connection.call(program as never, name as never, args)
    : connection.openStream(program as never, name as never, args);
}
