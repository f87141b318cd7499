import koffi, { type TypeObject } from "koffi";
import { type CookieCell, Nexus, type TimeOfDay, type Token } from "../event/index.ts";
import { registrationFailed } from "./error.ts";
import type { Completion, LibraryEvent, LibraryListener, RequestListener } from "./library.ts";
import { type Pointer, prototypes, readPointer, writePointer } from "./raw.ts";

/** A context, to the functions that C calls. */
export interface CallbackTarget {
  readonly listener: LibraryListener<Pointer>;
  /** Both read the event, give it back to the library, and tell whom it is for. */
  eventOccurred(event: Pointer): void;
  progressed(event: Pointer, operation: RunningOperation): void;
}

/** An operation under way: whom to tell, the memory that the library uses, and how its result is read from there. */
export interface RunningOperation {
  readonly target: CallbackTarget;
  readonly listener: RequestListener;
  readonly result: (rc: number) => Completion;
  readonly free: () => void;
}

interface TimeValue {
  readonly tv_sec: number | bigint;
  readonly tv_usec: number | bigint;
}

/**
 * What C holds of ours are tokens of these tables: a callback that comes too late, or for a context that is gone,
 * resolves to nothing and has no effect. The functions themselves are registered once and stay for the life of the thread,
 * so that no late call lands on code that has been freed.
 */
export const targets = new Nexus<CallbackTarget>();
export const operations = new Nexus<RunningOperation>();
export const eventListeners = new Nexus<(event: LibraryEvent) => void>();

/** Addresses of the functions, made when the first context is opened. */
export interface Callbacks {
  readonly osevent: readonly Pointer[];
  readonly eventOccurs: Pointer;
  readonly disaster: Pointer;
  readonly ended: Pointer;
  readonly progressed: Pointer;
}

let made: Callbacks | undefined;

export function callbacks(): Callbacks {
  made ??= register();
  return made;
}

/**
 * C takes the 0 that koffi returns for a function that threw as success, and koffi would let the error out of the call
 * that we are inside of. So nothing is thrown: the library gets `failure`, our listener the error.
 */
function guarded<A extends unknown[]>(
  call: (target: CallbackTarget, ...rest: A) => void,
): (user: Pointer | null, ...rest: A) => number {
  return (user, ...rest) => {
    const target = targets.resolve(tokenIn(user));
    if (target === undefined) return registrationFailed;
    try {
      call(target, ...rest);
      return 0;
    } catch (error) {
      target.listener.failed(error);
      return registrationFailed;
    }
  };
}

/** For C functions that return nothing. */
function silent<A extends unknown[]>(call: (target: CallbackTarget, ...rest: A) => void) {
  const guard = guarded(call);
  return (user: Pointer | null, ...rest: A): void => {
    guard(user, ...rest);
  };
}

function register(): Callbacks {
  const { fdRegister, fdModify, fdDeregister, timeoutRegister, timeoutModify, timeoutDeregister } = prototypes;
  // SAFETY: koffi owns the trampolines, which stay. All run on the thread that is inside the library, within that call.
  const make = (callback: (...args: never[]) => unknown, prototype: TypeObject): Pointer =>
    koffi.register(callback, koffi.pointer(prototype));
  return {
    osevent: [
      make(
        guarded<[number, Pointer, number, Pointer]>(({ listener }, fd, out, events, forLibrary) =>
          listener.hooks.fdRegister(fd, cellAt(out), events, forLibrary),
        ),
        fdRegister,
      ),
      make(
        guarded<[number, Pointer, number]>(({ listener }, _fd, update, events) =>
          listener.hooks.fdModify(cellAt(update), events),
        ),
        fdModify,
      ),
      make(
        silent<[number, number | bigint]>(({ listener }, _fd, cookie) => listener.hooks.fdDeregister(Number(cookie))),
        fdDeregister,
      ),
      make(
        guarded<[Pointer, TimeValue, Pointer]>(({ listener }, out, at, forLibrary) =>
          listener.hooks.timeoutRegister(cellAt(out), timeOfDay(at), forLibrary),
        ),
        timeoutRegister,
      ),
      make(
        guarded<[Pointer, TimeValue]>(({ listener }, update, at) =>
          listener.hooks.timeoutModify(cellAt(update), timeOfDay(at)),
        ),
        timeoutModify,
      ),
      make(
        silent<[number | bigint]>(({ listener }, cookie) => listener.hooks.timeoutDeregister(Number(cookie))),
        timeoutDeregister,
      ),
    ],
    eventOccurs: make(
      silent<[Pointer]>((target, event) => target.eventOccurred(event)),
      prototypes.eventOccurs,
    ),
    disaster: make(
      silent<[number, string | null, number]>(({ listener }, _type, message) => listener.disaster(message ?? "")),
      prototypes.disaster,
    ),
    ended: make(ended, prototypes.ended),
    progressed: make(progressed, prototypes.progressed),
  };
}

function ended(_context: Pointer, rc: number, forCallback: Pointer | null): void {
  const token = tokenIn(forCallback);
  const operation = operations.resolve(token);
  if (operation === undefined) return;
  operations.retire(token);
  try {
    operation.listener.ended(operation.result(rc));
  } catch (error) {
    operation.target.listener.failed(error);
  } finally {
    operation.free();
  }
}

function progressed(_context: Pointer, event: Pointer, forCallback: Pointer | null): void {
  const operation = operations.resolve(tokenIn(forCallback));
  if (operation === undefined) return;
  try {
    operation.target.progressed(event, operation);
  } catch (error) {
    operation.target.listener.failed(error);
  }
}

/** 0, which is nobody's, for NULL. */
function tokenIn(pointer: Pointer | null): Token {
  return Number(pointer ?? 0n);
}

/** libxl's variable for our cookie; used before the hook returns only. */
function cellAt(address: Pointer): CookieCell {
  return {
    load: () => Number(readPointer(address)),
    store: (cookie) => writePointer(address, 0, cookie),
  };
}

function timeOfDay({ tv_sec, tv_usec }: TimeValue): TimeOfDay {
  return { seconds: Number(tv_sec), microseconds: Number(tv_usec) };
}
