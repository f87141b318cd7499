import type { DomainStatus } from "../../open/index.ts";

/** virsh's words for states. */
export const stateWords: Readonly<Record<DomainStatus["state"], string>> = {
  nostate: "no state",
  running: "running",
  blocked: "idle",
  paused: "paused",
  shutdown: "in shutdown",
  shutoff: "shut off",
  crashed: "crashed",
  pmsuspended: "pmsuspended",
};

/** And for their reasons, where they are other than the names here. */
export const reasonWords: Readonly<Record<string, string>> = {
  fromSnapshot: "from snapshot",
  migrationCanceled: "migration canceled",
  saveCanceled: "save canceled",
  wakeup: "event wakeup",
  ioerror: "I/O error",
  shuttingDown: "shutting down",
  startingUp: "starting up",
  postcopy: "post-copy",
  postcopyFailed: "post-copy failed",
  save: "saving",
  dump: "dumping",
  migration: "migrating",
};
