import { Deferred, type Loop } from "../../event/index.ts";
import {
  type DomainEvent,
  driverProcedures,
  ErrorCode,
  ErrorDomain,
  type Fault,
  isDomainEventName,
  type PlacedFault,
  VirError,
} from "../../protocol/index.ts";
import type { CallContext } from "../driver.ts";
import { invalidArgument } from "./failure.ts";

/** What calls can suffer, and what can become of events. */
export const callFaults: readonly string[] = ["delay", "stall", "fail", "die"];
export const eventFaults: readonly string[] = ["lose", "reorder", "die"];
/** So many at once. */
const limit = 1_024;

interface Placed {
  readonly id: number;
  readonly fault: Fault;
  /** Occasions that it has seen, and those at which it struck. */
  seen: number;
  hits: number;
  /** Lets the calls go on that it delays or stalls. */
  readonly suffering: Set<() => void>;
}

/** What strikes a call. */
export type CallFault = Pick<Placed, "fault" | "suffering">;

/**
 * What the simulator does wrong on purpose, in calls and in events. Of several faults for one occasion the oldest
 * strikes.
 *
 * add:    places one; VirError (invalidArg) says what is wrong with it.
 * remove: takes it out; calls that it stalls go on.
 * release: all calls that are stalled go on; the faults stay.
 */
export class Faults {
  readonly #loop: Loop;
  readonly #placed = new Map<number, Placed>();
  #lastId = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  get list(): readonly PlacedFault[] {
    return [...this.#placed.values()].map(({ id, fault, hits }) => ({ id, fault, hits }));
  }

  add(fault: Fault): number {
    check(fault);
    if (this.#placed.size >= limit) throw invalidArgument(`${limit} faults are in place: take some out first`);
    const id = ++this.#lastId;
    this.#placed.set(id, { id, fault, seen: 0, hits: 0, suffering: new Set() });
    return id;
  }

  remove(id: number): void {
    const placed = this.#placed.get(id);
    if (placed === undefined) throw invalidArgument(`there is no fault ${id}`);
    this.#placed.delete(id);
    for (const goOn of placed.suffering) goOn();
  }

  release(): void {
    for (const { suffering } of this.#placed.values()) for (const goOn of suffering) goOn();
  }

  /** What strikes this call now. `dom` is the uuid of the domain that it is about. */
  forCall(name: string, dom: string | undefined): CallFault | undefined {
    return this.#placed.size === 0 ? undefined : this.#strike(callFaults, name, dom);
  }

  forEvent({ name, dom }: DomainEvent): string | undefined {
    return this.#placed.size === 0 ? undefined : this.#strike(eventFaults, name, dom.uuid)?.fault.kind;
  }

  /** The time that a fault takes from a call; rejects with its error, or with the signal's reason. */
  async suffer({ fault, suffering }: CallFault, name: string, { signal }: CallContext): Promise<void> {
    if (fault.kind === "fail") throw errorOf(fault, name);
    const over = new Deferred();
    const end = (): void => over.resolve();
    const abort = (): void => over.reject(signal.reason);
    signal.throwIfAborted();
    signal.addEventListener("abort", abort);
    const timeout = fault.kind === "delay" ? this.#loop.timeout(this.#loop.now() + fault.delayMs, end) : undefined;
    suffering.add(end);
    try {
      await over.promise;
    } finally {
      timeout?.remove();
      suffering.delete(end);
      signal.removeEventListener("abort", abort);
    }
  }

  #strike(kinds: readonly string[], on: string, dom: string | undefined): Placed | undefined {
    for (const placed of this.#placed.values()) {
      const { fault } = placed;
      if (fault.on !== on || !kinds.includes(fault.kind) || (fault.dom !== null && fault.dom !== dom)) continue;
      placed.seen++;
      if (placed.seen <= fault.skip || (fault.times > 0 && placed.hits >= fault.times)) continue;
      placed.hits++;
      return placed;
    }
    return undefined;
  }
}

/** From a URI: KIND:ON, with the ms of a delay behind it: "delay:domainCreate:200". Throws VirError (invalidArg). */
export function parseFault(text: string): Fault {
  const [kind = "", on = "", amount = "0"] = text.split(":");
  const delayMs = Number(amount);
  if (!Number.isInteger(delayMs) || delayMs < 0) throw invalidArgument(`fault=${text}: ${amount} is no number of ms`);
  const fault = { kind, on, dom: null, skip: 0, times: 0, delayMs, code: 0, message: null };
  check(fault);
  return fault;
}

function check({ kind, on }: Fault): void {
  const isCall = Object.hasOwn(driverProcedures, on);
  const isEvent = isDomainEventName(on);
  if (!callFaults.includes(kind) && !eventFaults.includes(kind)) {
    throw invalidArgument(
      `there is no fault "${kind}": use ${[...new Set([...callFaults, ...eventFaults])].join(", ")}`,
    );
  }
  if ((isCall && callFaults.includes(kind)) || (isEvent && eventFaults.includes(kind))) return;
  const wanted = [
    ...(callFaults.includes(kind) ? ['a call by its row ("domainCreate")'] : []),
    ...(eventFaults.includes(kind) ? ['a kind of events ("lifecycle")'] : []),
  ];
  throw invalidArgument(`a fault "${kind}" is on ${wanted.join(" or ")}, not on "${on}"`);
}

function errorOf({ code, message }: Fault, name: string): VirError {
  const number = code === 0 ? ErrorCode.operationFailed : (code as ErrorCode);
  return VirError.of(number, ErrorDomain.test, message ?? `${name} fails, as the simulator was told`);
}
