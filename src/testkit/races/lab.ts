import { Nexus } from "../../event/index.ts";
import type { Bounds } from "../explorer/bounds.ts";
import type { Outcome } from "../explorer/execution.ts";
import { explore, type Failing, replay, type Subject } from "../explorer/explore.ts";
import { OursRig } from "./ours.ts";
import { EntryCheckRig, LockHeldRig, MergedRig, ReferencesRig, TimeCheckRig, TwoPhaseRig } from "./proposals.ts";
import { type Race, raceId, races } from "./races.ts";
import { NaiveRig, type Rig } from "./rig.ts";
import { World } from "./world.ts";

/** One way to bring a loop and a library together. */
export interface Protocol {
  readonly name: string;
  readonly about: string;
  /** The races it has anything to do with, by number; the others stand or fall with another part of the system. */
  readonly concerns: readonly number[];
  /** "ours" must hold everywhere, an ablation must fail somewhere; of the others nothing is required. */
  readonly role: "proposal" | "ours" | "ablation";
  readonly rig: (world: World, race: Race) => Rig;
  /** Takes something away from the core for the time of one execution; gives back how to undo it. */
  readonly ablate?: () => () => void;
}

const everywhere = [...new Set(races.map(({ number }) => number))];
const ofTheHooks = [1, 2, 3, 4, 7, 10, 13];

export const protocols: readonly Protocol[] = [
  {
    name: "naive",
    about: "libvirt and libxl of November 2012",
    concerns: everywhere,
    role: "proposal",
    rig: (world, { number }) =>
      new NaiveRig(world, { recordLast: number === 11, recurring: number === 8, ignoreEnded: number === 5 }),
  },
  {
    name: "entry check",
    about: "the callback first asks whether it is still registered",
    concerns: ofTheHooks,
    role: "proposal",
    rig: (world) => new EntryCheckRig(world),
  },
  {
    name: "lock held",
    about: "the event lock is held over callbacks",
    concerns: ofTheHooks,
    role: "proposal",
    rig: (world) => new LockHeldRig(world),
  },
  {
    name: "references",
    about: "a registration keeps object and context alive",
    concerns: ofTheHooks,
    role: "proposal",
    rig: (world) => new ReferencesRig(world),
  },
  {
    name: "two-phase",
    about: "deregistration is acknowledged by the loop",
    concerns: [...ofTheHooks, 8, 11, 12, 15].sort((a, b) => a - b),
    role: "proposal",
    rig: (world) => new TwoPhaseRig(world),
  },
  {
    name: "time check",
    about: "nexus for descriptors, a look at the clock for timers",
    concerns: ofTheHooks,
    role: "proposal",
    rig: (world) => new TimeCheckRig(world),
  },
  {
    name: "merged",
    about: "nexus and second poll for descriptors, modify-to-now for timers (Xen 4.3)",
    concerns: [1, 2, 3, 4, 8, 10, 11, 12, 13, 15],
    role: "proposal",
    rig: (world) => new MergedRig(world),
  },
  {
    name: "ours, 2012 library",
    about: "virtwright's loop and hooks before a library that trusts every call",
    concerns: everywhere,
    role: "ours",
    rig: (world) => new OursRig(world, { libxl: "2012", access: "post" }),
  },
  {
    name: "ours, 4.17 library",
    about: "virtwright's loop and hooks before today's library",
    concerns: everywhere,
    role: "ours",
    rig: (world) => new OursRig(world, { libxl: "4.17", access: "post" }),
  },
  {
    name: "ours, across processes",
    about: "the same, reached by messages that are on their way for a while",
    concerns: everywhere,
    role: "ours",
    rig: (world) => new OursRig(world, { libxl: "2012", access: "message" }),
  },
  {
    name: "ours, confinement off",
    about: "other threads call the library and the loop directly",
    concerns: everywhere,
    role: "ablation",
    rig: (world) => new OursRig(world, { libxl: "2012", access: "direct" }),
  },
  {
    name: "ours, generation off",
    about: "a token is compared by its slot alone",
    concerns: everywhere,
    role: "ablation",
    rig: (world) => new OursRig(world, { libxl: "2012", access: "post" }),
    ablate: forgetGenerations,
  },
];

/** Enough for every race here, and few enough that a loop which spins for ever is told soon. */
const maxSteps = 400;

export type Verdict = "holds" | "fails" | "deadlocks";

export interface Cell {
  readonly protocol: Protocol;
  readonly race: Race;
  readonly verdict: Verdict;
  readonly executions: number;
  /** Every schedule within the bound was tried (or one failed). */
  readonly exhausted: boolean;
  /** The shortest failing schedule found. */
  readonly failing: Failing | undefined;
}

/** Runs one protocol against one race. */
export function tryRace(protocol: Protocol, race: Race, bounds: Bounds = {}): Cell {
  return ablated(protocol, () => {
    const { failing, executions, exhausted } = explore(subjectOf(protocol, race), { maxSteps, ...bounds });
    const kind = failing?.failure?.kind;
    const deadlocks = kind === "deadlock" || kind === "lock order";
    const verdict = kind === undefined ? "holds" : deadlocks ? "deadlocks" : "fails";
    return { protocol, race, verdict, executions, exhausted: exhausted || failing !== undefined, failing };
  });
}

export interface Selection {
  readonly protocol?: Protocol | undefined;
  readonly race?: Race | undefined;
}

/** Every protocol against every race it concerns, or only those selected. */
export function* runLab(bounds: Bounds = {}, only: Selection = {}): Generator<Cell> {
  for (const protocol of protocols.filter((candidate) => (only.protocol ?? candidate) === candidate)) {
    for (const race of races.filter((candidate) => (only.race ?? candidate) === candidate)) {
      if (protocol.concerns.includes(race.number)) yield tryRace(protocol, race, bounds);
    }
  }
}

/** Repeats a schedule that the lab has printed, under the bounds it was found with. */
export function replayRace(protocol: Protocol, race: Race, schedule: string, bounds: Bounds = {}): Outcome {
  return ablated(protocol, () => replay(subjectOf(protocol, race), schedule, { maxSteps, ...bounds }));
}

function subjectOf(protocol: Protocol, race: Race): Subject {
  return (sim) => {
    const world = new World(sim, race.busy ?? false);
    const rig = protocol.rig(world, race);
    rig.start();
    race.run(world, rig);
    sim.atEnd(() => {
      if (rig.leftOver > (race.leaves ?? 0)) sim.fail("assertion", `${rig.leftOver} registrations are left`);
    });
  };
}

function ablated<T>(protocol: Protocol, action: () => T): T {
  const restore = protocol.ablate?.();
  try {
    return action();
  } finally {
    restore?.();
  }
}

function forgetGenerations(): () => void {
  const own = Object.getOwnPropertyDescriptor(Nexus.prototype, "isCurrent") as PropertyDescriptor;
  Object.defineProperty(Nexus.prototype, "isCurrent", { ...own, value: () => true });
  return () => Object.defineProperty(Nexus.prototype, "isCurrent", own);
}

/**
 * The lab's promise: every "ours" holds against every race, and each ablation fails against one. What is broken, if any.
 * Of an ablation that was not tried against all its races nothing is said.
 */
export function brokenPromises(cells: readonly Cell[]): string[] {
  const broken = cells
    .filter(({ protocol, verdict }) => protocol.role === "ours" && verdict !== "holds")
    .map(({ protocol, race, verdict }) => `${protocol.name} ${verdict} against race ${raceId(race)}`);
  for (const protocol of protocols.filter(({ role }) => role === "ablation")) {
    const own = cells.filter((cell) => cell.protocol === protocol);
    const whole = own.length === races.filter(({ number }) => protocol.concerns.includes(number)).length;
    if (whole && own.every(({ verdict }) => verdict === "holds"))
      broken.push(`${protocol.name} holds: it shows nothing`);
  }
  return broken;
}
