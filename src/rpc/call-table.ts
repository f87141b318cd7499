import { Deferred, type Loop } from "../event/index.ts";
import { ErrorCode, ErrorDomain, type Header, Status, VirError, WireError } from "../protocol/index.ts";
import { decode, ProtocolError } from "../xdr/index.ts";
import type { CallOptions } from "./call-options.ts";
import { limitWait } from "./deadline.ts";
import type { Frame } from "./framer.ts";

/** What is to become of a reply that is no error. */
export interface ReplyHandler {
  /** The result of the call; throws when the reply does not fit. */
  accept(reply: Frame): unknown;
  /** The call was given up before: nobody waits. */
  discard(reply: Frame): void;
}

interface PendingCall {
  readonly header: Header;
  readonly name: string;
  readonly handler: ReplyHandler;
  readonly result: Deferred<unknown>;
  /** Ends the wait for deadline and signal. */
  readonly release: () => void;
}

/**
 * The calls that wait for their reply, by serial.
 *
 * A call that is given up keeps its serial until its reply comes or the connection ends, so that a late reply finds the
 * call it belongs to and never another. Serials go up, so a place by the last bits of each is free but for calls that take
 * long, and those are stepped over: a map that is emptied with each reply is made anew each time.
 */
export class CallTable {
  readonly #loop: Loop;
  /** As many as a power of two, and twice as many as calls. */
  #places = emptyPlaces(16);
  #size = 0;
  #nextSerial = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Calls without a reply, those given up included. */
  get size(): number {
    return this.#size;
  }

  /** A serial that no call has, and nobody else. */
  issueSerial(isTaken: (serial: number) => boolean): number {
    if (2 * this.#size >= this.#places.length) this.#grow();
    let serial = this.#nextSerial;
    while (this.#places[this.#placeOf(serial)] !== undefined || isTaken(serial)) serial = (serial + 1) >>> 0;
    this.#nextSerial = (serial + 1) >>> 0;
    return serial;
  }

  /** Waits for the reply to a message with this header, whose serial was issued last. */
  add(header: Header, name: string, handler: ReplyHandler, options: CallOptions): Deferred<unknown> {
    const result = new Deferred<unknown>();
    const release = limitWait(this.#loop, name, options, (reason) => result.reject(reason));
    this.#places[this.#placeOf(header.serial)] = { header, name, handler, result, release };
    this.#size++;
    return result;
  }

  /** The message could not be sent: no reply will come. */
  remove(serial: number): void {
    const call = this.#places[this.#placeOf(serial)];
    if (call?.header.serial !== serial) return;
    this.#free(serial);
    call.release();
  }

  /** A reply has come. Throws ProtocolError when it belongs to no call. */
  settle(reply: Frame): void {
    const { header } = reply;
    const call = this.#places[this.#placeOf(header.serial)];
    if (call === undefined || !isReplyTo(call.header, header)) {
      throw new ProtocolError(
        `a reply to procedure ${header.procedure}, serial ${header.serial}, which was not called`,
      );
    }
    this.#free(header.serial);
    call.release();
    if (header.status === Status.ok && call.result.state !== "pending") return call.handler.discard(reply);
    try {
      if (header.status === Status.ok) call.result.resolve(call.handler.accept(reply));
      else call.result.reject(VirError.fromWire(decode(WireError, reply.payload)));
    } catch (error) {
      call.result.reject(error);
    }
  }

  /** The connection is over. */
  failAll(cause: Error | undefined): void {
    const age = ({ header }: PendingCall): number => (this.#nextSerial - header.serial) >>> 0;
    const calls = this.#places.filter((call) => call !== undefined).sort((one, other) => age(other) - age(one));
    this.#places.fill(undefined);
    this.#size = 0;
    for (const { name, result, release } of calls) {
      release();
      result.reject(connectionEnded(`the reply to ${name}`, cause));
    }
  }

  #placeOf(serial: number): number {
    return serial & (this.#places.length - 1);
  }

  #free(serial: number): void {
    this.#places[this.#placeOf(serial)] = undefined;
    this.#size--;
  }

  #grow(): void {
    const calls = this.#places;
    this.#places = emptyPlaces(2 * calls.length);
    for (const call of calls) if (call !== undefined) this.#places[this.#placeOf(call.header.serial)] = call;
  }
}

function emptyPlaces(length: number): (PendingCall | undefined)[] {
  return Array.from({ length }, () => undefined);
}

/** Why something that was awaited will not come. */
export function connectionEnded(awaited: string, cause: Error | undefined): VirError {
  const detail = `the connection ended before ${awaited}${cause === undefined ? "" : `: ${cause.message}`}`;
  return VirError.of(ErrorCode.internalError, ErrorDomain.rpc, detail, cause);
}

function isReplyTo(call: Header, reply: Header): boolean {
  const isSame = call.serial === reply.serial && call.procedure === reply.procedure;
  return isSame && call.program === reply.program && call.version === reply.version;
}
