import { Deferred, StateError, type Transport } from "../../../event/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Stream } from "../../../rpc/index.ts";

/** Bytes for the guest that may wait. */
const mostWaiting = 262_144;

/** Streams between clients and devices of guests that speak: each device has one at a time. */
export class Sessions {
  readonly #open = new Map<string, Stream>();

  /** Throws VirError when somebody has it, unless he may be thrown out. */
  checkFree(key: string, force: boolean, busy: string): void {
    if (this.#open.has(key) && !force) throw VirError.of(ErrorCode.operationFailed, ErrorDomain.qemu, busy);
  }

  /** Takes the device for this stream, from another if need be; until the stream or the guest's end is over. */
  async serve(key: string, stream: Stream, transport: Transport): Promise<void> {
    this.#open.get(key)?.abort(takenOver());
    this.#open.set(key, stream);
    try {
      await converse(stream, transport);
    } finally {
      if (this.#open.get(key) === stream) this.#open.delete(key);
    }
  }
}

/** Both ways at once, each at the pace of who takes it. */
async function converse(stream: Stream, transport: Transport): Promise<void> {
  const ended = new Deferred<Error | undefined>();
  let drained = new Deferred();
  transport.open({
    onData: (bytes) => {
      transport.pause();
      // A stream that has ended meanwhile is noticed by its reader.
      stream.write(bytes).then(
        () => transport.resume(),
        () => transport.close(),
      );
    },
    onDrain: () => drained.resolve(),
    onClose: (cause) => {
      ended.resolve(cause);
      drained.resolve();
      // Whoever reads the stream sees its end, and waits for the client's.
      stream.finish().catch(() => {});
    },
  });
  try {
    for await (const bytes of stream) {
      if (ended.state !== "pending") break;
      if (transport.backlog > mostWaiting) {
        drained = new Deferred();
        transport.send(bytes);
        if (transport.backlog > 0) await drained.promise;
      } else transport.send(bytes);
    }
  } catch (error) {
    // Either end has finished meanwhile.
    if (!(error instanceof StateError)) throw error;
  } finally {
    transport.close();
    await ended.promise;
  }
  await stream.finish();
}

/** libvirt's words to those who lose theirs. */
function takenOver(): VirError {
  return VirError.of(ErrorCode.rpc, ErrorDomain.streams, "stream had I/O failure");
}
