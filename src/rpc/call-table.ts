import { Deferred, type Loop } from "../event/index.ts";
import { ErrorCode, ErrorDomain, type Header, Status, VirError, WireError } from "../protocol/index.ts";
import { type Codec, decode, ProtocolError } from "../xdr/index.ts";
import type { CallOptions } from "./call-options.ts";
import type { Frame } from "./framer.ts";

interface PendingCall {
  readonly header: Header;
  readonly name: string;
  readonly ret: Codec;
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

  /** A serial that no call has. */
  issueSerial(): number {
    let serial = this.#nextSerial;
    while (this.#calls.has(serial)) serial = (serial + 1) >>> 0;
    this.#nextSerial = (serial + 1) >>> 0;
    return serial;
  }

  /** Waits for the reply to a message with this header, and decodes it by `ret`. */
  add(header: Header, name: string, ret: Codec, options: CallOptions): Deferred<unknown> {
    const result = new Deferred<unknown>();
    const release = this.#limit(result, name, options);
    this.#calls.set(header.serial, { header, name, ret, result, release });
    return result;
  }

  /** A reply has come. Throws ProtocolError when it belongs to no call. */
  settle({ header, payload }: Frame): void {
    const call = this.#calls.get(header.serial);
    if (call === undefined || !isReplyTo(call.header, header)) {
      throw new ProtocolError(
        `a reply to procedure ${header.procedure}, serial ${header.serial}, which was not called`,
      );
    }
    this.#calls.delete(header.serial);
    call.release();
    try {
      if (header.status === Status.ok) call.result.resolve(decode(call.ret, payload));
      else call.result.reject(VirError.fromWire(decode(WireError, payload)));
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
      const detail = `the connection ended before the reply to ${name}${cause === undefined ? "" : `: ${cause.message}`}`;
      result.reject(VirError.of(ErrorCode.internalError, ErrorDomain.rpc, detail, cause));
    }
  }

  /** Lets deadline and signal end the wait; returns what calls them off. */
  #limit(result: Deferred<unknown>, name: string, { signal, timeoutMs }: CallOptions): () => void {
    const giveUp = (reason: unknown): void => {
      release();
      result.reject(reason);
    };
    const onAbort = (): void => giveUp(signal?.reason);
    const timeout =
      timeoutMs === undefined
        ? undefined
        : this.#loop.timeout(this.#loop.now() + timeoutMs, () => giveUp(lateError(name, timeoutMs)), { name });
    signal?.addEventListener("abort", onAbort);
    const release = (): void => {
      timeout?.remove();
      signal?.removeEventListener("abort", onAbort);
    };
    return release;
  }
}

function isReplyTo(call: Header, reply: Header): boolean {
  return call.program === reply.program && call.version === reply.version && call.procedure === reply.procedure;
}

function lateError(name: string, timeoutMs: number): VirError {
  return VirError.of(ErrorCode.operationTimeout, ErrorDomain.rpc, `no reply to ${name} within ${timeoutMs} ms`);
}
