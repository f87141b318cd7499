/** virDomainState. */
export const DomainState = {
  nostate: 0,
  running: 1,
  blocked: 2,
  paused: 3,
  shutdown: 4,
  shutoff: 5,
  crashed: 6,
  pmsuspended: 7,
} as const;

/** The reasons of each state (virDomainRunningReason and its sisters); a state that is not here has only 0, unknown. */
export const DomainReason = {
  running: {
    unknown: 0,
    booted: 1,
    migrated: 2,
    restored: 3,
    fromSnapshot: 4,
    unpaused: 5,
    migrationCanceled: 6,
    saveCanceled: 7,
    wakeup: 8,
    crashed: 9,
    postcopy: 10,
    postcopyFailed: 11,
  },
  paused: {
    unknown: 0,
    user: 1,
    migration: 2,
    save: 3,
    dump: 4,
    ioerror: 5,
    watchdog: 6,
    fromSnapshot: 7,
    shuttingDown: 8,
    snapshot: 9,
    crashed: 10,
    startingUp: 11,
    postcopy: 12,
    postcopyFailed: 13,
  },
  shutdown: { unknown: 0, user: 1 },
  shutoff: {
    unknown: 0,
    shutdown: 1,
    destroyed: 2,
    crashed: 3,
    migrated: 4,
    saved: 5,
    failed: 6,
    fromSnapshot: 7,
    daemon: 8,
  },
  crashed: { unknown: 0, panicked: 1 },
} as const;

/** virDomainEventType, and its details. */
export const Lifecycle = {
  defined: { event: 0, detail: { added: 0, updated: 1, renamed: 2, fromSnapshot: 3 } },
  undefined: { event: 1, detail: { removed: 0, renamed: 1 } },
  started: { event: 2, detail: { booted: 0, migrated: 1, restored: 2, fromSnapshot: 3, wakeup: 4 } },
  suspended: {
    event: 3,
    detail: {
      paused: 0,
      migrated: 1,
      ioerror: 2,
      watchdog: 3,
      restored: 4,
      fromSnapshot: 5,
      apiError: 6,
      postcopy: 7,
      postcopyFailed: 8,
    },
  },
  resumed: { event: 4, detail: { unpaused: 0, migrated: 1, fromSnapshot: 2, postcopy: 3, postcopyFailed: 4 } },
  stopped: {
    event: 5,
    detail: { shutdown: 0, destroyed: 1, crashed: 2, migrated: 3, saved: 4, failed: 5, fromSnapshot: 6 },
  },
  shutdown: { event: 6, detail: { finished: 0, guest: 1, host: 2 } },
  pmsuspended: { event: 7, detail: { memory: 0, disk: 1 } },
  crashed: { event: 8, detail: { panicked: 0, crashloaded: 1 } },
} as const;
