import { type Stream, type StreamPart } from "../rpc/index.ts";

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

/** What the peer sends. Read only as it is asked for: the connection holds the peer back when too much waits. */
export function readableOf(stream: Stream): ReadableStream<Uint8Array> {
  const parts = stream.parts();
  let hole = 0n;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        if (hole === 0n) {
          const { done, value } = await parts.next();
          if (done === true) {
            // The peer confirms that this was all: what went wrong at its end is told here.
            if (stream.state === "open") await stream.finish();
            return controller.close();
          }
          if (!isHole(value)) return controller.enqueue(value);
          hole = value.hole;
        }
        const length = hole < BigInt(zeros.length) ? Number(hole) : zeros.length;
        hole -= BigInt(length);
        controller.enqueue(zeros.slice(0, length));
      },
      cancel: (reason) => stream.abort(reason),
    },
    { highWaterMark: 0 },
  );
}

export function writableOf(stream: Stream): WritableStream<Uint8Array> {
  return new WritableStream<Uint8Array>({
    write: (chunk) => stream.write(chunk),
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

function isHole(part: StreamPart): part is { readonly hole: bigint } {
  return !(part instanceof Uint8Array);
}
