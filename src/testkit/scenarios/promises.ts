import { DeadlineError, OseventHooks, Ready, Scope, StateError } from "../../event/index.ts";
import { asSoonAsPossible, FakeCell } from "../fake-libxl/fake-osevents.ts";
import { AsyncWorld } from "./async-world.ts";
import type { AsyncScenario } from "./scenario.ts";

const acknowledged: AsyncScenario = {
  name: "removal is acknowledged",
  about: "`closed` resolves after the last async callback has really ended and the release function has run",
  subject(sim) {
    const world = new AsyncWorld(sim);
    const pipe = world.pipe("A");
    let inside = false;
    let released = false;
    const callback = async (): Promise<void> => {
      pipe.read();
      inside = true;
      await sim.step("half way");
      inside = false;
    };
    const release = (): void => {
      released = true;
    };
    const watch = world.loop.watch(pipe.fd, Ready.readable, callback, { release });
    sim.spawn("owner", async () => {
      await sim.step("data");
      pipe.arrive();
      await sim.step("post remove");
      world.loop.post(() => watch.remove());
      await watch.closed;
      if (inside || !released) world.fail("closed came too early");
      await world.loop.close();
    });
  },
};

const drained: AsyncScenario = {
  name: "drain resolves last",
  about: "a context is disposed of when `drain` resolves: no timeout is out then and no call is under way",
  subject(sim) {
    const world = new AsyncWorld(sim);
    let disposed = false;
    const occurred = async (): Promise<void> => {
      if (disposed) world.fail("a callback after the context was disposed of");
      await sim.step("inside the library");
      if (disposed) world.fail("the context is disposed of while a callback is in it");
    };
    const library = { occurredFd: occurred, occurredTimeout: occurred };
    const hooks = new OseventHooks(world.loop, library, { wallClock: () => world.loop.now() });
    const cells = [new FakeCell(), new FakeCell()];
    for (const cell of cells) hooks.timeoutRegister(cell, { seconds: 5, microseconds: 0 }, "timeout");
    sim.spawn("owner", async () => {
      const done = hooks.drain();
      for (const cell of cells) {
        await sim.step("post end");
        world.loop.post(() => hooks.timeoutModify(cell, asSoonAsPossible));
      }
      await done;
      disposed = true;
      hooks.close();
      await world.loop.close();
    });
  },
};

const outlasting: AsyncScenario = {
  name: "a callback outlasts close",
  about: "close gives up by its deadline and names who is late; that one is still released, once, after its end",
  subject(sim) {
    const world = new AsyncWorld(sim);
    const tooLong = sim.choose(2) === 0;
    let entered = false;
    let inside = false;
    let released = 0;
    const callback = async (): Promise<void> => {
      inside = true;
      entered = true;
      if (tooLong) await sim.until("outlast the loop", () => world.loop.state === "closed");
      else await sim.step("half way");
      inside = false;
    };
    const release = (): void => {
      if (inside) world.fail("released while its callback is under way");
      released++;
    };
    const timeout = world.loop.timeout("now", callback, { name: "the late one", release });
    sim.spawn("owner", async () => {
      await sim.until("it runs", () => entered);
      const closing = world.loop.close(100).catch((error: unknown) => error);
      world.host.advance(100);
      const error = await closing;
      if (error !== undefined && !isAbout(error, "the late one")) world.fail("close fails and does not say of whom");
      if (error === undefined && tooLong) world.fail("close takes no notice of a callback under way");
      await timeout.closed;
      if (released !== 1) world.fail(`released ${released} times`);
    });
  },
};

const scope: AsyncScenario = {
  name: "a scope closes",
  about: "in reverse order, each handle after the one before; what is added late is closed, what is given up is not",
  subject(sim) {
    const order: string[] = [];
    let closing = 0;
    const handle = (name: string) => ({
      async [Symbol.asyncDispose]() {
        if (++closing > 1) sim.fail("assertion", "two handles are being closed at once");
        await sim.step(`close ${name}`);
        order.push(name);
        closing--;
      },
    });
    const scope = new Scope();
    const given = handle("given up");
    let gaveUp = false;
    sim.spawn("owner", async () => {
      for (const name of ["first", "second"]) await scope.add(handle(name));
      await scope.add(given);
      await scope.add(handle("last"));
      await scope.close();
      if (scope.size > 0) sim.fail("assertion", "the scope is closed and still owns something");
    });
    sim.spawn("other", async () => {
      await sim.step("give up");
      gaveUp = scope.release(given);
      const late = {
        async [Symbol.asyncDispose]() {
          await sim.step("close late");
          order.push("late");
        },
      };
      await scope.add(late).catch((error: unknown) => {
        if (!(error instanceof StateError)) throw error;
      });
    });
    sim.atEnd(() => {
      if (order.includes("given up") === gaveUp)
        sim.fail("assertion", "a handle given up was closed, or one kept was not");
      if (!order.includes("late")) sim.fail("assertion", "a late handle was left without an owner");
      const wanted = ["last", "given up", "second", "first"].filter((name) => order.includes(name));
      const closed = order.filter((name) => name !== "late");
      if (closed.join() !== wanted.join()) sim.fail("assertion", `closed: ${order.join()}`);
    });
  },
};

function isAbout(error: unknown, name: string): boolean {
  return error instanceof DeadlineError && error.message.includes(name);
}

export const scenarios: readonly AsyncScenario[] = [acknowledged, drained, outlasting, scope];
