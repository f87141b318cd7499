import type { Handlers, ownDaemonProcedures } from "../protocol/index.ts";
import type { Preparation } from "./prepared-calls.ts";

/** What the daemon's part of our own program needs of the peer that calls it. */
export interface DaemonContext {
  prepare(serial: number, preparation: Preparation): void;
  /** False when there is no such call under way. */
  cancel(serial: number): boolean;
}

/** What `hello` promises; a client that misses one says so. */
const promises = ["deadline", "cancel", "key"];

export const daemonHandlers: Partial<Handlers<typeof ownDaemonProcedures, DaemonContext>> = {
  hello: () => ({ version: "0.1.0", promises }),
  callPrepare: ({ serial, timeoutMs, key }, context) => context.prepare(serial, { timeoutMs, key }),
  callCancel: ({ serial }, context) => ({ found: context.cancel(serial) }),
};
