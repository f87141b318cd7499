import type { Handlers, ownDaemonProcedures } from "../protocol/index.ts";
import type { Preparation } from "./prepared-calls.ts";
import type { Session } from "./session.ts";

/** What the daemon's part of our own program needs of the peer that calls it. */
export interface DaemonContext {
  readonly session: Session;
  prepare(serial: number, preparation: Preparation): void;
  /** False when there is no such call under way. */
  cancel(serial: number): boolean;
}

/** What `hello` promises; a client that misses one says so. */
const promises = ["deadline", "cancel", "key", "cursor"];

export const daemonHandlers: Handlers<typeof ownDaemonProcedures, DaemonContext> = {
  hello: (_, { session }) => ({ version: "0.1.0", promises: [...promises, ...session.extensions] }),
  callPrepare: ({ serial, timeoutMs, key }, context) => context.prepare(serial, { timeoutMs, key }),
  callCancel: ({ serial }, context) => ({ found: context.cancel(serial) }),
  eventsOpen: (args, { session }) => session.opened.cursors.open(args),
  eventsClose: ({ callbackId }, { session }) => session.opened.cursors.remove(callbackId),
};
