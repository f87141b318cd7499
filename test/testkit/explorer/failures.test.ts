import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  type AsyncSubject,
  explore,
  exploreAsync,
  type FailureKind,
  Mutex,
  Resource,
  type Subject,
} from "../../../src/testkit/index.ts";

interface Case {
  readonly kind: FailureKind;
  readonly message: RegExp;
  readonly subject: Subject;
}

/** One actor takes both locks in one order, gives them back, and takes them in the other: nobody waits, this time. */
function takenInCircle(...names: readonly [string, string]): Subject {
  return (sim) => {
    const [a, b] = [new Mutex(sim, names[0]), new Mutex(sim, names[1])];
    sim.spawn("one", function* () {
      for (const [first, second] of [
        [a, b],
        [b, a],
      ] as const) {
        yield* first.lock();
        yield* second.lock();
        yield* second.unlock();
        yield* first.unlock();
      }
    });
  };
}

const cases: readonly Case[] = [
  {
    kind: "assertion",
    message: /^broken on purpose$/,
    subject(sim) {
      sim.spawn("one", function* () {
        yield sim.step("step");
        throw new Error("broken on purpose");
      });
    },
  },
  {
    kind: "deadlock",
    message: /two waits to lock B/,
    subject(sim) {
      const [a, b] = [new Mutex(sim, "A"), new Mutex(sim, "B")];
      for (const [name, first, second] of [
        ["one", a, b],
        ["two", b, a],
      ] as const) {
        sim.spawn(name, function* () {
          yield* first.lock();
          yield* second.lock();
        });
      }
    },
  },
  {
    kind: "deadlock",
    message: /loop waits to lock A/,
    subject(sim) {
      const a = new Mutex(sim, "A");
      sim.spawn("one", () => a.lock());
      sim.serve("loop", function* () {
        yield sim.step("later");
        yield* a.lock();
      });
    },
  },
  {
    kind: "lost wakeup",
    message: /sleeper waits to be woken/,
    subject(sim) {
      let awake = false;
      let asleep = false;
      sim.spawn("sleeper", function* () {
        yield sim.step("look");
        yield sim.step("go to sleep");
        asleep = true;
        yield sim.until("be woken", () => awake);
      });
      sim.spawn("waker", function* () {
        yield sim.step("wake");
        if (asleep) awake = true;
      });
    },
  },
  {
    kind: "lock order",
    message: /A -> B -> A|B -> A -> B/,
    subject: takenInCircle("A", "B"),
  },
  {
    kind: "lock order",
    message: /a domain -> a domain -> a domain/,
    subject: takenInCircle("a domain", "a domain"),
  },
  {
    kind: "use after release",
    message: /the buffer is used after its release/,
    subject(sim) {
      const buffer = new Resource(sim, "the buffer");
      sim.spawn("user", function* () {
        yield sim.step("use");
        buffer.use();
      });
      sim.spawn("owner", function* () {
        yield sim.step("free");
        buffer.release();
      });
    },
  },
  {
    kind: "double release",
    message: /the buffer is released twice/,
    subject(sim) {
      const buffer = new Resource(sim, "the buffer");
      for (const name of ["one", "two"]) {
        sim.spawn(name, function* () {
          yield sim.step("look");
          if (buffer.released) return;
          yield sim.step("free");
          buffer.release();
        });
      }
    },
  },
  {
    kind: "starvation",
    message: /no end after 2000 steps; still running: spinner/,
    subject(sim) {
      sim.spawn("spinner", function* () {
        for (;;) yield sim.pause("look again");
      });
    },
  },
];

suite("the explorer detects", () => {
  for (const { kind, message, subject } of cases) {
    test(`${kind}: ${message.source}`, () => {
      const { failing } = explore(subject);
      assert.equal(failing?.failure?.kind, kind);
      assert.match(failing.failure.message, message);
    });
  }

  test("a promise that nobody settles", async () => {
    const subject: AsyncSubject = (sim) => {
      sim.spawn("one", async () => {
        await sim.step("step");
        await new Promise(() => undefined);
      });
    };
    const { failing } = await exploreAsync(subject);
    assert.equal(failing?.failure?.kind, "unsettled promise");
    assert.equal(failing.failure.message, "one never ended");
  });

  test("a failure that the subject itself has caught", () => {
    const { failing } = explore((sim) => {
      sim.spawn("one", function* () {
        yield sim.step("step");
        try {
          sim.fail("assertion", "caught");
        } catch {
          sim.note("nothing to see here");
        }
      });
    });
    assert.equal(failing?.failure?.message, "caught");
  });

  test("what a check at the end throws, and what building the subject throws", () => {
    const atEnd = explore((sim) => sim.atEnd(() => assert.fail("at the end")));
    assert.equal(atEnd.failing?.failure?.message, "at the end");
    const building = explore(() => assert.fail("while building"));
    assert.equal(building.failing?.failure?.message, "while building");
  });

  test("nothing in a server that still waits when all others are done", () => {
    const report = explore((sim) => {
      let jobs = 0;
      sim.serve("server", function* () {
        for (;;) {
          yield sim.until("wait for a job", () => jobs > 0);
          jobs--;
        }
      });
      sim.spawn("client", function* () {
        yield sim.step("ask");
        jobs++;
      });
    });
    assert.deepEqual([report.failing, report.exhausted], [undefined, true]);
  });
});
