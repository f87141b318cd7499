import type { Verb, Verbs } from "./verb.ts";

/** Verbs about one thing, loaded when they are asked for. */
export interface VerbGroup {
  readonly title: string;
  /** Whether a verb of this name would be here. */
  readonly has: (name: string) => boolean;
  readonly load: () => Promise<Verbs>;
}

const startsWith =
  (...starts: readonly string[]) =>
  (name: string): boolean =>
    starts.some((start) => name.startsWith(start));
/** The groups whose verbs have no beginning in common are asked one after the other. */
const perhaps = (name: string): boolean =>
  !/^(net|pool|vol|snapshot|checkpoint|backup|iface|nodedev|nwfilter|secret|qemu|migrate)-/.test(name);
const named =
  (...names: readonly string[]) =>
  (name: string): boolean =>
    names.includes(name);
const objectEvents = named("net-event", "pool-event", "nodedev-event", "secret-event");

/** All verbs, in the order of help; those that are asked for most first. */
export const verbGroups: readonly VerbGroup[] = [
  { title: "Domains", has: perhaps, load: async () => (await import("./domain-verbs.ts")).domainVerbs },
  { title: "Domains' devices", has: perhaps, load: async () => (await import("./device-verbs.ts")).deviceVerbs },
  { title: "Domains' resources", has: perhaps, load: async () => (await import("./tuning-verbs.ts")).tuningVerbs },
  { title: "Domains' figures", has: perhaps, load: async () => (await import("./stats-verbs.ts")).statsVerbs },
  { title: "Saved domains", has: perhaps, load: async () => (await import("./save-verbs.ts")).saveVerbs },
  { title: "About domains", has: perhaps, load: async () => (await import("./about-verbs.ts")).aboutVerbs },
  { title: "Limits of domains", has: perhaps, load: async () => (await import("./limit-verbs.ts")).limitVerbs },
  {
    title: "Domains' processors",
    has: perhaps,
    load: async () => (await import("./scheduler-verbs.ts")).schedulerVerbs,
  },
  { title: "Guests", has: perhaps, load: async () => (await import("./guest-verbs.ts")).guestVerbs },
  { title: "Work on disks", has: perhaps, load: async () => (await import("./block-job-verbs.ts")).blockJobVerbs },
  {
    title: "Definitions",
    has: perhaps,
    load: async () => (await import("./definition-verbs.ts")).definitionVerbs,
  },
  {
    title: "Migration",
    has: startsWith("migrate"),
    load: async () => (await import("./migrate-verbs.ts")).migrateVerbs,
  },
  { title: "QEMU's guests", has: startsWith("qemu-"), load: async () => (await import("./qemu-verbs.ts")).qemuVerbs },
  { title: "Networks", has: startsWith("net-"), load: async () => (await import("./network-verbs.ts")).networkVerbs },
  { title: "Storage pools", has: startsWith("pool-"), load: async () => (await import("./pool-verbs.ts")).poolVerbs },
  { title: "Volumes", has: startsWith("vol-"), load: async () => (await import("./volume-verbs.ts")).volumeVerbs },
  {
    title: "Snapshots",
    has: startsWith("snapshot-"),
    load: async () => (await import("./snapshot-verbs.ts")).snapshotVerbs,
  },
  {
    title: "Checkpoints and backups",
    has: startsWith("checkpoint-", "backup-"),
    load: async () => (await import("./checkpoint-verbs.ts")).checkpointVerbs,
  },
  {
    title: "Ports of networks",
    has: startsWith("net-port-"),
    load: async () => (await import("./net-port-verbs.ts")).netPortVerbs,
  },
  { title: "Secrets", has: startsWith("secret-"), load: async () => (await import("./secret-verbs.ts")).secretVerbs },
  {
    title: "Network filters",
    has: startsWith("nwfilter-"),
    load: async () => (await import("./nwfilter-verbs.ts")).nwfilterVerbs,
  },
  {
    title: "The host's devices",
    has: startsWith("nodedev-"),
    load: async () => (await import("./nodedev-verbs.ts")).nodedevVerbs,
  },
  {
    title: "The host's network interfaces",
    has: startsWith("iface-"),
    load: async () => ({
      ...(await import("./iface-verbs.ts")).ifaceVerbs,
      ...(await import("./iface-bridge-verbs.ts")).ifaceBridgeVerbs,
    }),
  },
  { title: "The host", has: perhaps, load: async () => (await import("./host-verbs.ts")).hostVerbs },
  {
    title: "The host's memory and processors",
    has: perhaps,
    load: async () => (await import("./node-verbs.ts")).nodeVerbs,
  },
  {
    title: "What the hypervisor can do",
    has: (name) => perhaps(name) || name === "pool-capabilities",
    load: async () => (await import("./cpu-verbs.ts")).cpuVerbs,
  },
  {
    title: "Events of objects",
    has: objectEvents,
    load: async () => (await import("./object-event-verbs.ts")).objectEventVerbs,
  },
  { title: "Events", has: perhaps, load: async () => (await import("./event-verbs.ts")).eventVerbs },
];

/** The verb of this name, if there is one; only the groups where it may be are loaded. */
export async function findVerb(name: string): Promise<Verb | undefined> {
  for (const group of verbGroups) {
    if (!group.has(name)) continue;
    const verbs = await group.load();
    if (Object.hasOwn(verbs, name)) return verbs[name];
  }
  return undefined;
}

/** All of them. */
export async function allVerbs(): Promise<Verbs> {
  const all = await Promise.all(verbGroups.map(({ load }) => load()));
  return Object.assign({}, ...all) as Verbs;
}
