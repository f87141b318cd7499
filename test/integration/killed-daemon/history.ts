import type { virtwright } from "../../../src/protocol/index.ts";
import { type Cursor, eventProcedures } from "../../../src/protocol/index.ts";
import type { ReceivedEvent } from "../../../src/rpc/index.ts";
import { decode } from "../../../src/xdr/index.ts";
import type { DaemonClient } from "./daemon-client.ts";
import { text } from "./guest-model.ts";

type Received = ReceivedEvent<typeof virtwright.procedures>;

const { domainEventCallbackLifecycle: lifecycle, domainEventCallbackReboot: reboot } = eventProcedures;

/** All that one reader has been told, over all lives of the daemon, by a cursor that it keeps. */
export class History {
  readonly #onFound: (sentence: string) => void;
  readonly #byUuid = new Map<string, string[]>();
  readonly #all = new Map<string, string[]>();
  #cursor: Cursor | null = null;
  /** What comes with the reply is read before whoever waits for the reply goes on. */
  #early: Received[] | undefined;
  readonly #waiting = new Set<() => void>();
  length = 0;

  constructor(onFound: (sentence: string) => void) {
    this.#onFound = onFound;
  }

  get last(): bigint {
    return this.#cursor?.sequence ?? 0n;
  }

  /** "event/detail" of each lifecycle event of a domain. */
  of(uuid: string): readonly string[] {
    return this.#byUuid.get(uuid) ?? [];
  }

  /** Those, and "reboot" where that was told. */
  allOf(uuid: string): readonly string[] {
    return this.#all.get(uuid) ?? [];
  }

  /** Goes on behind the last event. `client` hands its events to `take`. */
  async open({ own }: DaemonClient): Promise<void> {
    const early: Received[] = [];
    this.#early = early;
    this.#cursor = (await own.eventsOpen({ cursor: this.#cursor, eventIds: [], dom: null })).position;
    this.#early = undefined;
    for (const each of early) this.take(each);
  }

  take(received: Received): void {
    const { name, message } = received;
    if (this.#early !== undefined) this.#early.push(received);
    else if (name === "eventsNext") this.#takeEvent(message);
    else this.#onFound(`a gap is told behind ${this.last}: ${message.gap.from} to ${message.gap.to}`);
    for (const wake of this.#waiting) wake();
  }

  /** Resolves when something more has been told, or at the signal. */
  async more(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#waiting.add(wake);
    signal.addEventListener("abort", wake);
    await promise;
    this.#waiting.delete(wake);
    signal.removeEventListener("abort", wake);
  }

  /** Resolves when the event with this number has come. */
  async reaches(sequence: bigint, signal: AbortSignal): Promise<void> {
    while (this.last < sequence) {
      if (signal.aborted) throw new Error(`event ${sequence} has not come, ${this.last} has`);
      await this.more(signal);
    }
  }

  #takeEvent({ position, procedure, message }: Extract<Received, { name: "eventsNext" }>["message"]): void {
    if (position.sequence !== this.last + 1n) this.#onFound(`event ${position.sequence} follows ${this.last}`);
    this.#cursor = position;
    this.length++;
    if (procedure === reboot.number) add(this.#all, decode(reboot.message, message).msg.dom.uuid, "reboot");
    if (procedure !== lifecycle.number) return;
    const { msg } = decode(lifecycle.message, message);
    for (const map of [this.#byUuid, this.#all]) add(map, msg.dom.uuid, text(msg.event, msg.detail));
  }
}

/** Numbers of Lifecycle. */
const [started, stopped] = ["2/", "5/"];

/** One end for each start, and none without, and the last of them is what the domain does now: what is wrong with that. */
export function wrongIn(told: readonly string[], runs: boolean): readonly string[] {
  const found: string[] = [];
  let isUp = false;
  for (const event of told) {
    if (event.startsWith(started)) {
      if (isUp) found.push("is started twice without an end");
      isUp = true;
    } else if (event.startsWith(stopped)) {
      if (!isUp) found.push("has ended without a start");
      isUp = false;
    }
  }
  if (isUp && !runs) found.push("has ended, and nobody was told");
  if (!isUp && runs) found.push("runs, and its start was not told");
  return found.map((sentence) => `${sentence}: ${told.slice(-12).join(" ")}`);
}

function add(map: Map<string, string[]>, uuid: string, event: string): void {
  const told = map.get(uuid) ?? [];
  told.push(event);
  map.set(uuid, told);
}
