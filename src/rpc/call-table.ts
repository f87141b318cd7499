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
 * call it belongs to and never another.
 */
export class CallTable {
  readonly #loop: Loop;
  readonly #calls = new Map<number, PendingCall>();
  #nextSerial = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Calls without a reply, those given up included. */
  get size(): number {
    return this.#calls.size;
  }

  /** A serial that no call has, and nobody else. */
  issueSerial(isTaken: (serial: number) => boolean): number {
    let serial = this.#nextSerial;
    while (this.#calls.has(serial) || isTaken(serial)) serial = (serial + 1) >>> 0;
    this.#nextSerial = (serial + 1) >>> 0;
    return serial;
  }

  /** Waits for the reply to a message with this header. */
  add(header: Header, name: string, handler: ReplyHandler, options: CallOptions): Deferred<unknown> {
    const result = new Deferred<unknown>();
    const release = limitWait(this.#loop, name, options, (reason) => result.reject(reason));
    this.#calls.set(header.serial, { header, name, handler, result, release });
    return result;
  }

  /** The message could not be sent: no reply will come. */
  remove(serial: number): void {
    this.#calls.get(serial)?.release();
    this.#calls.delete(serial);
  }

  /** A reply has come. Throws ProtocolError when it belongs to no call. */
  settle(reply: Frame): void {
    const { header } = reply;
    const call = this.#calls.get(header.serial);
    if (call === undefined || !isReplyTo(call.header, header)) {
      throw new ProtocolError(
        `a reply to procedure ${header.procedure}, serial ${header.serial}, which was not called`,
      );
    }
    this.#calls.delete(header.serial);
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
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { name, result, release } of calls) {
      release();
      result.reject(connectionEnded(`the reply to ${name}`, cause));
    }
  }
}

/** Why something that was awaited will not come. */
export function connectionEnded(awaited: string, cause: Error | undefined): VirError {
  const detail = `the connection ended before ${awaited}${cause === undefined ? "" : `: ${cause.message}`}`;
  return VirError.of(ErrorCode.internalError, ErrorDomain.rpc, detail, cause);
}

function isReplyTo(call: Header, reply: Header): boolean {
  return call.program === reply.program && call.version === reply.version && call.procedure === reply.procedure;
}
