import { isHole, type Stream, type StreamPart } from "../rpc/index.ts";

/**
 * A stream both ways: a console, a channel of a guest.
 *
 * readable: ends when the other end has said all; fails when it or the connection is gone.
 * writable: takes more only as it is taken at the other end; closing it ends the stream in order.
 * abort:    idempotent; everybody who waits hears the reason.
 */
export interface ByteChannel extends AsyncDisposable {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  abort(reason?: unknown): void;
}

/** A hole is handed over as zeros, in pieces of so many bytes at most. */
const zeros = new Uint8Array(65_536);

/** What the peer sends, its holes as zeros. */
export function readableOf(stream: Stream): ReadableStream<Uint8Array> {
  const next = partsOf(stream);
  let hole = 0n;
  return readOnDemand(stream, async () => {
    if (hole === 0n) {
      const part = await next();
      if (part === undefined || !isHole(part)) return part;
      hole = part.hole;
    }
    const length = hole < BigInt(zeros.length) ? Number(hole) : zeros.length;
    hole -= BigInt(length);
    return zeros.slice(0, length);
  });
}

/** The same, where a hole is told as such, however long it is. */
export function sparseReadableOf(stream: Stream): ReadableStream<StreamPart> {
  return readOnDemand(stream, partsOf(stream));
}

/** Read only as it is asked for: the connection holds the peer back when too much waits. */
function readOnDemand<T>(stream: Stream, next: () => Promise<T | undefined>): ReadableStream<T> {
  return new ReadableStream<T>(
    {
      pull: async (controller) => {
        const part = await next();
        if (part === undefined) controller.close();
        else controller.enqueue(part);
      },
      cancel: (reason) => stream.abort(reason),
    },
    { highWaterMark: 0 },
  );
}

/** One part after the other; undefined: the peer has confirmed that this was all. What went wrong at its end is told here. */
function partsOf(stream: Stream): () => Promise<StreamPart | undefined> {
  const parts = stream.parts();
  return async () => {
    const { done, value } = await parts.next();
    if (done !== true) return value;
    if (stream.state === "open") await stream.finish();
    return undefined;
  };
}

/** Node's types do not know it yet. */
type Abortable = WritableStreamDefaultController & { readonly signal: AbortSignal };

/** Takes holes too, where the call that opened the stream has allowed them; elsewhere one is a StateError. */
export function writableOf(stream: Stream): WritableStream<StreamPart> {
  return new WritableStream<StreamPart>({
    // `abort` waits for a write or the end that is under way, and those may wait for a peer that reads nothing.
    start: (controller) => {
      const { signal } = controller as Abortable;
      signal.addEventListener("abort", () => stream.abort(signal.reason));
    },
    write: (part) => (isHole(part) ? stream.writeHole(part.hole) : stream.write(part)),
    close: () => stream.finish(),
    abort: (reason) => stream.abort(reason),
  });
}

export function channelOf(stream: Stream): ByteChannel {
  return {
    readable: readableOf(stream),
    writable: writableOf(stream),
    abort: (reason) => stream.abort(reason),
    [Symbol.asyncDispose]: () => stream[Symbol.asyncDispose](),
  };
}
