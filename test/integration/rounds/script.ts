import { setTimeout as sleep } from "node:timers/promises";
import { type Domain, ErrorCode, VirError } from "../../../src/protocol/index.ts";
import type { DaemonClient } from "../killed-daemon/daemon-client.ts";
import type { History } from "../killed-daemon/history.ts";

/** A guest that goes through the script of the engineer who tested libxl in 2012. */
export interface ScriptGuest {
  /** Of the daemon that serves now. */
  readonly client: DaemonClient;
  readonly history: History;
  readonly dom: Domain;
  readonly xml: string;
  /** Where it is saved to. */
  readonly file: string;
}

/** A step, and what is right after it: events as "event/detail", and the state. */
export interface Step<G extends ScriptGuest> {
  readonly what: string;
  readonly act: (guest: G) => Promise<unknown>;
  readonly told: readonly string[];
  readonly state: number | "none";
  /** The guest does it, in its own time; asked twice it does it twice. */
  readonly isByGuest?: boolean;
  /** What else is wrong, in words. */
  readonly check?: (guest: G) => Promise<string | undefined>;
}

/** Daemons and processes are killed meanwhile. */
export interface Disturbance {
  /** How many kills there have been. */
  readonly count: number;
  /** Somebody was killed just now, and not everybody knows. */
  readonly isUnderWay: boolean;
  /** How long a guest may take to do what it was asked before a kill. */
  readonly heardMs: number;
  /** Resolves when a daemon serves, and what was left of the domain by the one before is seen to. */
  settled(dom: Domain): Promise<void>;
}

export interface PlayOptions {
  /** How long an event may take. */
  readonly toldMs: number;
  readonly disturbance?: Disturbance;
}

/** A step that kills keep from its end is not begun more often. */
const mostTries = 4;
/** A client that was cut off, or a step that has come to its end by itself, is noticed so soon. */
const lookMs = 250;
const calm: Disturbance = { count: 0, isUnderWay: false, heardMs: 0, settled: async () => {} };

/** Taken before something is done: afterwards says whether a kill may be why it went wrong. */
function watchOut(disturbance: Disturbance): () => boolean {
  const { count, isUnderWay } = disturbance;
  return () => isUnderWay || disturbance.count !== count;
}

/**
 * The whole script, each step against what is told, the state, and jobs that are left. Resolves with the first that is not as
 * it must be, in words. A step that was disturbed is judged by what has become of it: when it is done, or has not begun, the
 * script goes on; otherwise the guest leaves it, and is cleared away.
 */
export async function playScript<G extends ScriptGuest>(
  script: readonly Step<G>[],
  guest: G,
  options: PlayOptions,
): Promise<string | undefined> {
  const { disturbance = calm } = options;
  let before: number | "none" = "none";
  for (const step of script) {
    for (let tries = 1; ; tries++) {
      const wasDisturbed = watchOut(disturbance);
      const problem = await play(step, guest, options);
      if (problem === undefined) break;
      if (!wasDisturbed()) return `${guest.dom.name}: ${step.what}: ${problem}`;
      const now = await becameOf(step, guest, disturbance);
      if (now === "done") break;
      if (now !== before || tries === mostTries) return clearAway(guest, disturbance);
    }
    before = step.state;
  }
  return undefined;
}

async function play<G extends ScriptGuest>(
  step: Step<G>,
  guest: G,
  { toldMs }: PlayOptions,
): Promise<string | undefined> {
  const { history, dom } = guest;
  const from = history.of(dom.uuid).length;
  const told = (): readonly string[] => history.of(dom.uuid).slice(from);
  try {
    await step.act(guest);
    const isMissing = (): boolean => told().length < step.told.length && guest.client.isOpen;
    // Whoever waits by the clock takes the processor from those that it waits for.
    for (const end = Date.now() + toldMs; Date.now() < end && isMissing(); ) {
      await history.more(AbortSignal.timeout(lookMs));
    }
    if (told().join() !== step.told.join()) return `told ${told().join(" ")}, and not ${step.told.join(" ")}`;
    const state = await stateOf(guest);
    if (state !== step.state) return `its state is ${state}, and not ${step.state}`;
    return (await subscribes(guest)) ?? (await step.check?.(guest));
  } catch (error) {
    return `fails: ${(error as Error).message}`;
  }
}

/** What a disturbed step has come to: a guest that has heard does it yet. */
async function becameOf<G extends ScriptGuest>(
  step: Step<G>,
  guest: G,
  disturbance: Disturbance,
): Promise<number | "none" | "done"> {
  const end = Date.now() + (step.isByGuest === true ? disturbance.heardMs : 0);
  for (;;) {
    const now = await calmState(guest, disturbance);
    const last = guest.history.of(guest.dom.uuid).at(-1);
    if (now === step.state && (step.told.length === 0 || last === step.told.at(-1))) return "done";
    if (Date.now() >= end) return now;
    await sleep(lookMs);
  }
}

async function stateOf({ client, dom }: ScriptGuest): Promise<number | "none"> {
  try {
    return (await client.call.domainGetState({ dom, flags: 0 })).state;
  } catch (error) {
    if (error instanceof VirError && error.code === ErrorCode.noDomain) return "none";
    throw error;
  }
}

/** Once nobody disturbs between looking and knowing. */
async function calmState(guest: ScriptGuest, disturbance: Disturbance): Promise<number | "none"> {
  for (;;) {
    await disturbance.settled(guest.dom);
    const wasDisturbed = watchOut(disturbance);
    try {
      return await stateOf(guest);
    } catch (error) {
      if (!wasDisturbed()) throw error;
      await sleep(100);
    }
  }
}

/** Somebody comes, listens, and goes: in order, or with the connection. A job that nobody has begun is not there. */
async function subscribes({ client, dom }: ScriptGuest): Promise<string | undefined> {
  const { callbackId } = await client.call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom });
  await client.call.connectDomainEventCallbackDeregisterAny({ callbackId });
  const { type } = await client.call.domainGetJobInfo({ dom }).catch(() => ({ type: 0 }));
  return type === 0 ? undefined : `it has a job of type ${type}`;
}

/** Whatever it is: nothing of it is left. Resolves with what keeps it, in words. */
async function clearAway(guest: ScriptGuest, disturbance: Disturbance): Promise<string | undefined> {
  const { dom } = guest;
  for (let tries = 1; ; tries++) {
    const state = await calmState(guest, disturbance);
    if (state === "none") return undefined;
    const wasDisturbed = watchOut(disturbance);
    const { call } = guest.client;
    const { active } = await call.domainIsActive({ dom }).catch(() => ({ active: 0 }));
    try {
      if (active === 1) await call.domainDestroy({ dom });
      else await call.domainUndefineFlags({ dom, flags: 1 });
    } catch (error) {
      if (!wasDisturbed() && tries > mostTries)
        return `${dom.name}: it cannot be cleared away from state ${state}: ${(error as Error).message}`;
    }
  }
}
