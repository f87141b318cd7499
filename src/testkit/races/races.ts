import type { Body } from "../explorer/task.ts";
import type { Rig } from "./rig.ts";
import type { LibraryEvent, World } from "./world.ts";

/** One race as a scenario: what threads other than the loop's do, and what must hold in the end. */
export interface Race {
  /** The number it has in docs/races.md. */
  readonly number: number;
  /** A letter for each form but the first, where a race has several. */
  readonly form?: string;
  readonly name: string;
  readonly run: (world: World, rig: Rig) => void;
  /** Registrations that may be there at the end: ending them would be another race. Default 0. */
  readonly leaves?: number;
  /** There is always something ready, so that the loop lets others go first when it sleeps. */
  readonly busy?: boolean;
}

/** "5", or "5b". */
export function raceId({ number, form = "" }: Race): string {
  return `${number}${form}`;
}

/** Ends whatever `event` is still registered for, as the library does when an operation is over. */
function* end(rig: Rig, event: LibraryEvent, kind: "fd" | "timeout"): Body {
  if (!event.registered) return;
  yield* kind === "fd" ? rig.fdDeregister(event) : rig.timeoutEnd(event);
}

/** The worker ends `event` in a section of its own and gives its memory back. */
function* finish(rig: Rig, event: LibraryEvent, kind: "fd" | "timeout"): Body {
  yield* rig.enter(() => end(rig, event, kind));
  yield* rig.free(event);
}

export const races: readonly Race[] = [
  {
    number: 1,
    name: "stale fd callback",
    run(world, rig) {
      const event = world.event("operation");
      const fd = world.open("pipe", true);
      world.sim.spawn("worker", function* () {
        yield* rig.enter(() => rig.fdRegister(event, fd));
        yield* finish(rig, event, "fd");
      });
    },
  },
  {
    number: 2,
    name: "stale timeout",
    run(world, rig) {
      const event = world.event("operation");
      world.sim.spawn("worker", function* () {
        yield* rig.enter(() => rig.timeoutRegister(event, 0));
        yield* finish(rig, event, "timeout");
      });
    },
  },
  {
    number: 3,
    name: "whose timeout is it",
    run(world, rig) {
      const event = world.event("operation");
      let acted = 0;
      world.sim.spawn("worker", function* () {
        yield* rig.enter(() => rig.timeoutRegister(event, 0));
        yield* rig.enter(function* () {
          yield* end(rig, event, "timeout");
          acted = event.acted;
          yield* rig.timeoutRegister(event, 0);
        });
        yield world.sim.until("wait for the second timeout", () => event.acted > acted);
        yield* finish(rig, event, "timeout");
      });
    },
  },
  {
    number: 4,
    name: "reused fd number",
    run(world, rig) {
      const event = world.event("operation");
      const fd = world.open("first pipe", true);
      world.sim.spawn("worker", function* () {
        yield* rig.enter(() => rig.fdRegister(event, fd));
        yield* rig.enter(function* () {
          yield* rig.fdDeregister(event);
          world.kernel.close(fd);
          yield* rig.fdRegister(event, world.open("second pipe", false));
        });
      });
    },
    leaves: 1,
  },
  {
    number: 5,
    name: "identity lost in the loop",
    run(world, rig) {
      const [first, second] = [world.event("first watch"), world.event("second watch")];
      const fd = world.open("pipe", true);
      world.sim.spawn("worker", function* () {
        yield* rig.enter(() => rig.fdRegister(first, fd));
        yield* rig.enter(function* () {
          yield* rig.fdUpdate(first, false);
          yield* rig.fdDeregister(first);
          world.kernel.close(fd);
          yield* rig.fdRegister(second, world.open("second pipe", false));
        });
        yield* rig.free(first);
      });
    },
    leaves: 1,
  },
  {
    number: 5,
    form: "b",
    name: "two watches of one descriptor",
    busy: true,
    run(world, rig) {
      const [first, second] = [world.event("first watch"), world.event("second watch")];
      first.takes = second.takes = false;
      const fd = world.open("pipe", true);
      world.sim.spawn("worker", function* () {
        yield* rig.enter(function* () {
          yield* rig.fdRegister(first, fd);
          yield* rig.fdRegister(second, fd);
        });
        yield world.sim.until("wait for both", () => first.acted > 0 && second.acted > 0);
        yield* finish(rig, first, "fd");
        yield* finish(rig, second, "fd");
      });
    },
  },
  {
    number: 7,
    name: "modify against occurred",
    run(world, rig) {
      const event = world.event("operation");
      world.sim.spawn("worker", function* () {
        yield* rig.enter(() => rig.timeoutRegister(event, 0));
        yield* rig.enter(function* () {
          if (event.registered) yield* rig.timeoutModify(event, 100);
        });
      });
    },
    leaves: 1,
  },
  {
    number: 8,
    name: "recurring timer fires twice",
    run(world, rig) {
      const event = world.event("operation");
      world.sim.spawn("worker", function* () {
        yield* rig.enter(() => rig.timeoutRegister(event, 0));
        yield world.sim.until("wait for the timeout", () => event.acted > 0);
        yield* rig.free(event);
      });
    },
  },
  {
    number: 10,
    name: "freed context",
    run(world, rig) {
      const [event, internal] = [world.event("operation"), world.event("internal")];
      const fd = world.open("event channel", false);
      world.sim.spawn("worker", function* () {
        yield* rig.enter(function* () {
          yield* rig.fdRegister(internal, fd);
          yield* rig.timeoutRegister(event, 0);
        });
        yield* finish(rig, event, "timeout");
        yield* rig.dispose(internal);
      });
      world.sim.atEnd(() => {
        if (!world.context.released) world.sim.fail("assertion", "the context is never disposed of");
      });
    },
  },
  {
    number: 11,
    name: "registered before initialised",
    run(world, rig) {
      const event = world.event("operation");
      const fd = world.open("pipe", true);
      world.sim.spawn("worker", function* () {
        yield* rig.enter(() => rig.fdRegister(event, fd));
        yield world.sim.until("wait for the callback", () => event.acted > 0);
        yield* rig.enter(() => rig.fdDeregister(event));
      });
    },
  },
  {
    number: 12,
    name: "deregister inside a callback",
    run(world, rig) {
      const events = [world.event("first operation"), world.event("second operation")] as const;
      const fds = [world.open("first pipe", true), world.open("second pipe", true)] as const;
      for (const [index, event] of events.entries()) {
        const other = events[1 - index] as LibraryEvent;
        event.onAct = function* () {
          yield* end(rig, other, "fd");
          yield* end(rig, event, "fd");
        };
      }
      world.sim.spawn("worker", function* () {
        yield* rig.enter(function* () {
          yield* rig.fdRegister(events[0], fds[0]);
          yield* rig.fdRegister(events[1], fds[1]);
        });
        yield world.sim.until("wait for either", () => !events[0].registered && !events[1].registered);
      });
    },
  },
  {
    number: 13,
    name: "deadlock of the two locks",
    run(world, rig) {
      const [event, other] = [world.event("operation"), world.event("other operation")];
      const fd = world.open("pipe", true);
      world.sim.spawn("worker", function* () {
        yield* rig.enter(() => rig.fdRegister(event, fd));
        yield* rig.enter(function* () {
          yield* rig.timeoutRegister(other, 100);
          yield* end(rig, other, "timeout");
        });
        yield world.sim.until("wait for the callback", () => event.acted > 0);
        yield* rig.enter(() => rig.fdDeregister(event));
      });
    },
  },
  {
    number: 15,
    name: "lost wakeup",
    run(world, rig) {
      const event = world.event("operation");
      const fd = world.open("pipe", true);
      world.sim.spawn("worker", function* () {
        yield world.sim.step("the loop may be asleep by now");
        yield* rig.enter(() => rig.fdRegister(event, fd));
        yield world.sim.until("wait for the callback", () => event.acted > 0);
        yield* rig.enter(() => rig.fdDeregister(event));
      });
    },
  },
];
