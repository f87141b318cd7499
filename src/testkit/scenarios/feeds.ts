import { Feed } from "../../event/index.ts";
import type { AsyncScenario } from "./scenario.ts";

const ends: AsyncScenario = {
  name: "a feed ends",
  about:
    "what was pushed before the end is delivered, in order, then the cause; nothing vanishes, nobody waits forever",
  subject(sim) {
    let closes = 0;
    const feed = new Feed<number>({ onClose: () => closes++ });
    const cause = sim.choose(2) === 0 ? undefined : new Error("the connection broke");
    const seen: number[] = [];
    let ended: unknown = "not at all";
    sim.spawn("source", async () => {
      for (let value = 0; value < 3; value++) {
        await sim.step("push");
        feed.push(value);
      }
      await sim.step("end");
      feed.end(cause);
      if (feed.push(3)) sim.fail("assertion", "a feed takes a value after its end");
    });
    sim.spawn("listener", async () => {
      try {
        for await (const value of feed) {
          seen.push(value);
          await sim.step("work on it");
        }
        ended = undefined;
      } catch (error) {
        ended = error;
      }
    });
    sim.atEnd(() => {
      if (seen.join() !== "0,1,2") sim.fail("assertion", `delivered: ${seen.join()}`);
      if (ended !== cause) sim.fail("assertion", `ended with ${String(ended)}`);
      if (closes !== 1 || feed.state !== "closed") sim.fail("assertion", `onClose ran ${closes} times`);
    });
  },
};

const left: AsyncScenario = {
  name: "a listener leaves its feed",
  about:
    "it unsubscribes inside a delivery, with values waiting: nothing more reaches it, and the source is told at once",
  subject(sim) {
    let closes = 0;
    const feed = new Feed<number>({ onClose: () => closes++ });
    const seen: number[] = [];
    sim.spawn("source", async () => {
      for (let value = 0; value < 4; value++) {
        await sim.step("push");
        const open = feed.state === "open";
        if (feed.push(value) !== open) sim.fail("assertion", "push does not say whether anybody listens");
      }
    });
    sim.spawn("listener", async () => {
      for await (const value of feed) {
        seen.push(value);
        await sim.step("work on it");
        if (value === 1) break;
      }
      if (closes !== 1 || feed.size > 0) sim.fail("assertion", "leaving does not close the feed");
    });
    sim.atEnd(() => {
      if (seen.join() !== "0,1") sim.fail("assertion", `delivered: ${seen.join()}`);
    });
  },
};

const taken: AsyncScenario = {
  name: "a feed is closed from elsewhere",
  about:
    "what was delivered is a beginning of what was pushed; after close at most what is already handed over arrives",
  subject(sim) {
    const feed = new Feed<number>();
    const seen: number[] = [];
    let late = 0;
    let closed = false;
    sim.spawn("source", async () => {
      for (let value = 0; value < 2; value++) {
        await sim.step("push");
        feed.push(value);
      }
    });
    sim.spawn("closer", async () => {
      await sim.step("close");
      feed.close();
      closed = true;
    });
    sim.spawn("listener", async () => {
      for await (const value of feed) {
        if (closed) late++;
        seen.push(value);
        await sim.step("work on it");
      }
    });
    sim.atEnd(() => {
      if (!"0,1".startsWith(seen.join()) || late > 0) sim.fail("assertion", `delivered: ${seen.join()}, late: ${late}`);
    });
  },
};

export const scenarios: readonly AsyncScenario[] = [ends, left, taken];
