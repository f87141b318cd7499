import type { Hypervisor } from "../driver/driver.ts";
import {
  type ArgsOf,
  type Cursor,
  type DomainEvent,
  domainEventId,
  ErrorCode,
  ErrorDomain,
  eventMessage,
  eventProcedures,
  isDomainEventId,
  type MessageOf,
  type ownDaemonProcedures,
  type RetOf,
  VirError,
} from "../protocol/index.ts";
import { encode } from "../xdr/index.ts";
import { internalError } from "./refusal.ts";

type Rows = typeof ownDaemonProcedures;
type Position = Hypervisor["journal"]["position"];
type Gap = NonNullable<ReturnType<Hypervisor["journal"]["after"]>["gap"]>;

export interface CursorSubscriptionsOptions {
  readonly hypervisor: Hypervisor;
  readonly issueCallbackId: () => number;
  /** Whether the peer may know of it by now: rules change while subscriptions are open. */
  readonly mayHear: (dom: DomainEvent["dom"]) => boolean;
  readonly send: {
    eventsNext(message: MessageOf<Rows["eventsNext"]>): void;
    eventsGap(message: MessageOf<Rows["eventsGap"]>): void;
  };
  /** The peer reads more slowly than it is written to: what is in the journal waits there. */
  readonly isCongested: () => boolean;
  /** Calls later, in another turn. */
  readonly postpone: (job: () => void) => void;
}

interface Subscription {
  readonly callbackId: number;
  readonly eventIds: ReadonlySet<number>;
  readonly uuid: string | undefined;
  /** Behind the last event that was sent or passed over. */
  position: Position;
  /** The last gap: while the reader comes up to its end, it is found again and again. */
  told: Gap | undefined;
  /** The reply has left, so that events may follow. */
  isOpen: boolean;
}

/** Events looked at in one go, for all subscriptions together; others have their turn in between. */
const burst = 200;
/** Subscriptions of one peer: each event is compared with all of them. */
const limit = 1_024;

/**
 * What one peer reads of its hypervisor's journal, each subscription from its own place. Nothing is queued: what a slow
 * peer has not had yet stays in the journal, and what the journal has dropped meanwhile is told as a gap.
 *
 * open:  the events begin after the reply.
 * pump:  sends what there is room for; to be called when there is room again.
 * close: ends all of them.
 */
export class CursorSubscriptions {
  readonly #options: CursorSubscriptionsOptions;
  readonly #byId = new Map<number, Subscription>();
  #unsubscribe: (() => void) | undefined;
  #isPostponed = false;

  constructor(options: CursorSubscriptionsOptions) {
    this.#options = options;
  }

  open({ cursor, eventIds, dom }: ArgsOf<Rows["eventsOpen"]>): RetOf<Rows["eventsOpen"]> {
    const { hypervisor, issueCallbackId } = this.#options;
    for (const id of eventIds) if (!isDomainEventId(id)) throw internalError(`unsupported event ID ${id}`);
    if (this.#byId.size >= limit) throw tooMany();
    const callbackId = issueCallbackId();
    const { position: now } = hypervisor.journal;
    const position = cursor === null ? now : { ...cursor, sequence: Number(cursor.sequence) };
    const uuid = dom?.uuid;
    this.#byId.set(callbackId, {
      callbackId,
      eventIds: new Set(eventIds),
      uuid,
      position,
      told: undefined,
      isOpen: false,
    });
    this.#unsubscribe ??= hypervisor.subscribe(() => this.pump());
    this.#postpone();
    // One that was given stays good until something is heard behind it: if that is a gap, it is told again.
    return { callbackId, position: cursor ?? cursorOf(now) };
  }

  remove(callbackId: number): void {
    if (!this.#byId.delete(callbackId)) throw internalError(`there is no subscription ${callbackId} with a cursor`);
    if (this.#byId.size === 0) this.close();
  }

  close(): void {
    this.#byId.clear();
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  pump(): void {
    let budget = burst;
    for (const subscription of this.#byId.values()) {
      if (subscription.isOpen) budget -= this.#send(subscription, budget);
      if (budget > 0) continue;
      // Those behind it come first then.
      this.#byId.delete(subscription.callbackId);
      this.#byId.set(subscription.callbackId, subscription);
      return this.#postpone();
    }
  }

  #postpone(): void {
    if (this.#isPostponed) return;
    this.#isPostponed = true;
    this.#options.postpone(() => {
      this.#isPostponed = false;
      for (const subscription of this.#byId.values()) subscription.isOpen = true;
      this.pump();
    });
  }

  /** Returns how many events it has looked at, at most `budget`. */
  #send(subscription: Subscription, budget: number): number {
    const { hypervisor, send, isCongested, mayHear } = this.#options;
    const { journal } = hypervisor;
    if (isCongested()) return 0;
    const { events, gap } = journal.after(subscription.position);
    if (gap !== undefined && !isWithin(gap, subscription.told)) {
      const { callbackId } = subscription;
      subscription.told = gap;
      subscription.position = journal.cursorAt((events[0]?.sequence ?? journal.position.sequence + 1) - 1);
      const position = cursorOf(subscription.position);
      send.eventsGap({ callbackId, gap: { from: BigInt(gap.from), to: BigInt(gap.to) }, position });
    }
    for (const [index, { sequence, time, event }] of events.entries()) {
      if (index === budget || isCongested()) return index;
      subscription.position = journal.cursorAt(sequence);
      if (isWanted(subscription, event) && mayHear(event.dom)) this.#sendOne(subscription, time, event);
    }
    return events.length;
  }

  #sendOne({ callbackId, position }: Subscription, time: number, event: DomainEvent): void {
    const { row, message } = eventMessage(event, callbackId);
    const { number, message: codec } = eventProcedures[row];
    this.#options.send.eventsNext({
      callbackId,
      position: cursorOf(position),
      timeMs: BigInt(Math.trunc(time)),
      procedure: number,
      message: encode<unknown>(codec, message),
    });
  }
}

function isWithin({ from, to }: Gap, told: Gap | undefined): boolean {
  return told !== undefined && told.from <= from && to <= told.to;
}

function isWanted({ eventIds, uuid }: Subscription, { name, dom }: DomainEvent): boolean {
  return (eventIds.size === 0 || eventIds.has(domainEventId(name))) && (uuid === undefined || uuid === dom.uuid);
}

function cursorOf(position: Position): Cursor {
  return { ...position, sequence: BigInt(position.sequence) };
}

function tooMany(): VirError {
  const detail = `there are ${limit} subscriptions with a cursor: close some, or let one be for all domains`;
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.rpc, detail);
}
