export { Breather } from "./breather.ts";
export { Deferred } from "./deferred.ts";
export { DurationCounts, durationBounds } from "./duration-counts.ts";
export { DeadlineError, OverflowError, StateError } from "./errors.ts";
export { asEventImpl, type EventImpl, type HandleCallback, type TimerCallback } from "./event-impl.ts";
export { Feed, type FeedOptions } from "./feed.ts";
export { ForeignHost } from "./foreign-host.ts";
export { type Host, type Readiness, Ready } from "./host.ts";
export { Loop, type LoopOptions, type TurnStep } from "./loop.ts";
export { Nexus, type Token } from "./nexus.ts";
export {
  type CookieCell,
  OseventHooks,
  type OseventHooksOptions,
  type OseventLibrary,
  Poll,
  type TimeOfDay,
} from "./osevent-hooks.ts";
export { Registration, type RegistrationOptions } from "./registration.ts";
export { type Handle, Scope } from "./scope.ts";
export { takeFirst } from "./take-first.ts";
export { type Deadline, Timeout, type TimeoutCallback, type TimeoutOptions } from "./timeout.ts";
export { TimerHost, type Timers } from "./timer-host.ts";
export type { Transport, TransportListener } from "./transport.ts";
export { Watch, type WatchCallback, type WatchOptions } from "./watch.ts";
