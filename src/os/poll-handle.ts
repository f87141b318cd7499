import koffi from "koffi";
import { SystemError } from "./system-error.ts";

/** From `pollReadable` until `close`, Node's own event loop calls `onReadable` as long as the descriptor is readable. */
export interface PollHandle {
  /** Whether the handle keeps the process alive. */
  hold(alive: boolean): void;
  /** Before the descriptor is closed. Idempotent. */
  close(): void;
}

/**
 * Node 24 runs promises and process.nextTick after a callback that native code has made. Node 26 does not: there an
 * immediate makes them run, for 0.5 us.
 */
const drainsItself = Number.parseInt(process.versions.node, 10) < 25;

export function pollReadable(fd: number, onReadable: () => void): PollHandle {
  // koffi's types say (events); it calls with (status, events), status being 0 or a negative errno.
  const callback = (status: unknown): void => {
    if (typeof status === "number" && status < 0) raise(new SystemError(-status, "poll", `fd ${fd}`));
    else onReadable();
    if (!drainsItself) setImmediate(() => {});
  };
  // SAFETY: koffi owns the uv handle and frees it after close, and holds on to the callback until then; through that the
  // host, which has this object, keeps koffi's wrapper from being collected, which would close the handle.
  // The callback runs on this thread, from Node's event loop only, never inside another callback or call of ours.
  let handle: ReturnType<typeof koffi.node.poll> | undefined = koffi.node.poll(fd, { readable: true }, callback);
  return {
    hold: (alive) => (alive ? handle?.ref() : handle?.unref()),
    close: () => {
      handle?.close();
      handle = undefined;
    },
  };
}

/** Lets `error` become an uncaught exception: native code that called us would swallow it. */
export function raise(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
