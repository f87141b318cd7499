import type { AsyncSim, Sim, Subject } from "../../../src/testkit/index.ts";

/** Actors of so many steps each, of which `heard` hears who took the next one. */
export function counting(steps: readonly number[], heard: (order: string) => void): Subject {
  return (sim) => {
    let order = "";
    for (const [actor, count] of steps.entries()) {
      sim.spawn(String(actor), function* () {
        for (let step = 1; step < count; step++) {
          order += actor;
          yield sim.step("step");
        }
        order += actor;
      });
    }
    sim.atEnd(() => heard(order));
  };
}

/** Two actors add to a number that each has read before: one addition is lost when both read first. */
export function lostUpdate(sim: Sim): void {
  let total = 0;
  for (const name of ["one", "two"]) {
    sim.spawn(name, function* () {
      yield sim.step("read");
      const before = total;
      yield sim.step("write");
      total = before + 1;
    });
  }
  sim.atEnd(() => {
    if (total !== 2) sim.fail("assertion", `the total is ${total}`);
  });
}

/** The same with async functions. */
export function lostUpdateAsync(sim: AsyncSim): void {
  let total = 0;
  for (const name of ["one", "two"]) {
    sim.spawn(name, async () => {
      await sim.step("read");
      const before = total;
      await sim.step("write");
      total = before + 1;
    });
  }
  sim.atEnd(() => {
    if (total !== 2) sim.fail("assertion", `the total is ${total}`);
  });
}

/** Needs three events in one order, across two actors, among many steps: a bug of depth 3. */
export function deepBug(sim: Sim): void {
  let stage = 0;
  sim.spawn("one", function* () {
    for (let step = 0; step < 10; step++) {
      if (step === 3 && stage === 0) stage = 1;
      if (step === 6 && stage === 2) sim.fail("assertion", "all in the wrong order");
      yield sim.step(`one ${step}`);
    }
  });
  sim.spawn("two", function* () {
    for (let step = 0; step < 10; step++) {
      if (step === 5) stage = stage === 1 ? 2 : 3;
      if (step === 7 && stage === 2) stage = 3;
      yield sim.step(`two ${step}`);
    }
  });
}
