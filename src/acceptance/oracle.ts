/** What is to come of a step. */
export interface Expectation {
  /** Lifecycle events in order, as "started booted"; "?" before one that may be missing or late, "+" behind one that may come again, and other kinds by their name. */
  readonly events: readonly string[];
  /** The state and its reason afterwards: "running booted"; "gone" when there is no such domain any more. "" is not looked at. */
  readonly state: string;
  /** A run with an id of its own begins with it. */
  readonly beginsRun?: boolean;
}

export type StepName = keyof typeof steps;

/** The steps of a round, and what they are about. */
export const steps = {
  define: "define a domain",
  start: "start it",
  destroy: "destroy it",
  undefine: "forget its definition",
  create: "create it without one",
  suspend: "suspend it",
  resume: "resume it",
  reboot: "reboot it",
  shutdown: "shut it down",
  stop: "destroy it, as nothing in it obeys",
  createAgain: "create it again",
  mark: "have it remember a word",
  saveFull: "save it where there is no room: it runs on",
  save: "save it",
  restore: "restore it",
  recall: "have it say the word again",
  dump: "dump it",
  destroyDumped: "destroy it",
  createReused: "create it with what it was called before",
  setMemory: "give it less memory",
  setVcpus: "take a processor away",
  freeze: "stop its process: nobody waits for ever",
  kill: "kill its process",
  end: "end it",
} as const;

/** What is right differs by driver. */
export interface Oracle {
  readonly expectations: Readonly<Record<StepName, Expectation>>;
  /** Guests obey by themselves, and have no system. */
  readonly isSimulated: boolean;
  /** Why no guest has a process that could be stopped or killed; undefined: each has one. */
  readonly whyNoProcess: string | undefined;
}

/** What is the same with all of them. */
const common = {
  define: { events: ["defined added"], state: "shutoff unknown" },
  start: { events: ["started booted"], state: "running booted", beginsRun: true },
  destroy: { events: ["stopped destroyed"], state: "shutoff destroyed" },
  undefine: { events: ["undefined removed"], state: "gone" },
  create: { events: ["started booted"], state: "running booted", beginsRun: true },
  suspend: { events: ["suspended paused"], state: "paused user" },
  resume: { events: ["resumed unpaused"], state: "running unpaused" },
  reboot: { events: [], state: "running" },
  shutdown: { events: ["stopped shutdown"], state: "gone" },
  stop: { events: ["stopped destroyed"], state: "gone" },
  createAgain: { events: ["started booted"], state: "running booted", beginsRun: true },
  mark: { events: [], state: "running booted" },
  saveFull: { events: [], state: "running" },
  save: { events: ["stopped saved"], state: "gone" },
  restore: { events: ["started restored"], state: "running restored", beginsRun: true },
  recall: { events: [], state: "running restored" },
  dump: { events: [], state: "running" },
  destroyDumped: { events: ["stopped destroyed"], state: "gone" },
  createReused: { events: ["started booted"], state: "running booted", beginsRun: true },
  setMemory: { events: [], state: "running" },
  setVcpus: { events: [], state: "running" },
  freeze: { events: [], state: "running" },
  kill: { events: [], state: "" },
  end: { events: ["stopped destroyed"], state: "gone" },
} as const satisfies Oracle["expectations"];

/** By libvirt's name of the driver, as `getType` says it. Checked against libvirt 9.0. */
export const oracles: Readonly<Record<string, Oracle>> = {
  TEST: {
    expectations: common,
    isSimulated: true,
    whyNoProcess: "a simulated guest has no process",
  },
  QEMU: {
    expectations: {
      ...common,
      // libvirt tells first that the processors run, and of an end first that QEMU was told to.
      start: { events: ["resumed unpaused", "started booted"], state: "running booted", beginsRun: true },
      destroy: { events: ["shutdown host", "stopped destroyed"], state: "shutoff destroyed" },
      create: { events: ["resumed unpaused", "started booted"], state: "running booted", beginsRun: true },
      // QEMU tells of each reset: ours, the firmware's, the kernel's.
      reboot: { events: ["reboot+"], state: "running" },
      shutdown: { events: ["shutdown guest", "stopped shutdown"], state: "gone" },
      stop: { events: ["shutdown host", "stopped destroyed"], state: "gone" },
      createAgain: { events: ["resumed unpaused", "started booted"], state: "running booted", beginsRun: true },
      saveFull: { events: ["suspended paused", "resumed unpaused"], state: "running" },
      save: { events: ["suspended paused", "stopped saved"], state: "gone" },
      restore: {
        events: ["started restored", "resumed fromSnapshot"],
        state: "running restored",
        beginsRun: true,
      },
      dump: { events: ["suspended paused", "resumed unpaused"], state: "running" },
      destroyDumped: { events: ["shutdown host", "stopped destroyed"], state: "gone" },
      createReused: { events: ["resumed unpaused", "started booted"], state: "running booted", beginsRun: true },
      // When the guest has a driver for it, and in its own time.
      setMemory: { events: ["?balloonChange"], state: "running" },
      kill: { events: ["stopped failed"], state: "gone" },
      end: { events: ["shutdown host", "stopped destroyed"], state: "gone" },
    },
    isSimulated: false,
    whyNoProcess: undefined,
  },
  Xen: {
    expectations: {
      ...common,
      // Another domain of Xen's takes the place of the one that has ended; libvirt tells of them in the wrong order.
      reboot: { events: ["stopped shutdown", "started booted"], state: "running booted", beginsRun: true },
      // libvirt says "booted" of it.
      restore: { events: ["started restored"], state: "running", beginsRun: true },
    },
    isSimulated: false,
    whyNoProcess: "Xen itself runs it, no process does",
  },
};
