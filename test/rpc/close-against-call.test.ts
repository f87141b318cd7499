import { suite, test } from "node:test";
import { remote, VirError } from "../../src/protocol/index.ts";
import { Connection, clientOf, type IncomingCall, pairInMemory } from "../../src/rpc/index.ts";
import type { AsyncSim } from "../../src/testkit/index.ts";
import { decode } from "../../src/xdr/index.ts";
import { checkSchedules, ScheduledWorld } from "./scheduled-world.ts";

const rows = remote.procedures;
const uuid = "6695eb01-f6a4-8304-79aa-97f2502e193f";

/** A client and a server; whatever reaches one that has closed, or comes twice, is a failure. */
class Ends {
  readonly world: ScheduledWorld;
  readonly calls: IncomingCall[] = [];
  readonly client: Connection;
  readonly server: Connection;
  readonly cut: (cause: Error) => void;
  /** The causes with which each end was closed. */
  readonly closed = { client: [] as (Error | undefined)[], server: [] as (Error | undefined)[] };
  /** What the client does when an event comes. */
  onEvent: () => void = () => {};
  settled = 0;

  constructor(world: ScheduledWorld) {
    this.world = world;
    const [near, far] = pairInMemory(world.loop);
    this.cut = (cause) => near.close(cause);
    this.client = new Connection(world.loop, near);
    this.server = new Connection(world.loop, far);
    this.client.open({
      onEvent: () => {
        this.#checkAlive("client", this.client, "an event");
        this.onEvent();
      },
      onClose: (cause) => this.#onClose("client", cause),
    });
    this.server.open({
      onCall: (call) => {
        this.#checkAlive("server", this.server, "a call");
        this.calls.push(call);
      },
      onClose: (cause) => this.#onClose("server", cause),
    });
  }

  /** The answer to what was asked, or the end of the connection; once, and not both. */
  async call(name: string, options: { timeoutMs?: number } = {}): Promise<"answered" | "failed"> {
    const wasOpen = this.client.state === "open";
    let outcomes = 0;
    const call = clientOf(this.client, remote).domainLookupByName({ name }, options);
    call.then(
      () => outcomes++,
      () => outcomes++,
    );
    try {
      const { dom } = await call;
      if (dom.name !== name) this.world.fail(`the call for ${name} was answered with ${dom.name}`);
      if (!wasOpen) this.world.fail("a call on a connection that was not open is answered");
      return "answered";
    } catch (error) {
      if (wasOpen && !(error instanceof VirError)) this.world.fail(`${name} failed with ${String(error)}`);
      return "failed";
    } finally {
      this.settled++;
      if (outcomes > 1) this.world.fail(`${name} settled ${outcomes} times`);
    }
  }

  answer(call: IncomingCall): void {
    const { name } = decode(rows.domainLookupByName.args, call.args);
    call.reply(rows.domainLookupByName.ret, { dom: { name, uuid, id: 1 } });
  }

  sendEvent(): void {
    this.server.sendEvent(remote, "domainEventLifecycle", { dom: { name: "x", uuid, id: 1 }, event: 0, detail: 0 });
  }

  #checkAlive(who: "client" | "server", { state }: Connection, what: string): void {
    if (state !== "open" || this.closed[who].length > 0) this.world.fail(`${what} reaches a ${who} that is ${state}`);
  }

  #onClose(who: "client" | "server", cause: Error | undefined): void {
    this.closed[who].push(cause);
    if (this.closed[who].length > 1) this.world.fail(`the ${who} is closed twice`);
  }
}

type Closing = "client" | "server" | "end" | "cut";

function close(ends: Ends, how: Closing): void {
  if (how === "client") ends.client.close();
  else if (how === "server") ends.server.close(new Error("the server has had enough"));
  else if (how === "end") ends.server.end(10);
  else ends.cut(new Error("the cable was cut"));
}

/** Two calls, of which both are answered or only the second, and an event, while somebody closes. */
function closeAgainstCalls(how: Closing) {
  return (sim: AsyncSim): void => {
    const world = new ScheduledWorld(sim);
    const ends = new Ends(world);
    const answersBoth = sim.choose(2) === 1;
    world.actor("client", async () => {
      const outcomes = await Promise.all([ends.call("one"), ends.call("two")]);
      if (!answersBoth && !outcomes.includes("failed")) world.fail("a call that nobody answers is answered");
    });
    world.actor("server", async () => {
      const isOver = (): boolean => ends.closed.server.length > 0;
      await sim.until("two calls have come", () => ends.calls.length === 2 || isOver());
      const calls = answersBoth ? ends.calls : ends.calls.slice(-1);
      for (const call of calls) ends.answer(call);
      await sim.step("send an event");
      ends.sendEvent();
    });
    world.actor("closer", async () => {
      await sim.step(`close: ${how}`);
      close(ends, how);
      if (how !== "end") return;
      // A call that is never answered keeps it waiting until the deadline.
      await sim.until("the deadline has come", () => !world.host.needsTurn);
      if (ends.server.state === "ending") world.host.advance(10);
    });
    sim.atEnd(() => checkClosed(world, ends, how));
  };
}

function checkClosed(world: ScheduledWorld, { closed, settled, calls }: Ends, how: Closing): void {
  if (settled !== 2) world.fail(`${settled} of 2 calls have settled`);
  if (closed.client.length !== 1 || closed.server.length !== 1) world.fail("an end was not told that it is closed");
  if (how === "cut" && closed.client[0]?.message !== "the cable was cut") world.fail("the cause was lost");
  for (const call of calls) call.drop();
}

/** The client closes inside the delivery of an event, with more events and a reply behind it. */
function closeInsideDelivery(sim: AsyncSim): void {
  const world = new ScheduledWorld(sim);
  const ends = new Ends(world);
  ends.onEvent = () => {
    if (sim.choose(2) === 1) ends.client.close();
  };
  world.actor("client", async () => {
    await ends.call("one");
    ends.client.close();
  });
  world.actor("server", async () => {
    await sim.until("a call has come", () => ends.calls.length === 1 || ends.closed.server.length > 0);
    for (let count = 0; count < 3; count++) {
      ends.sendEvent();
      if (sim.choose(2) === 1) await sim.step("another turn");
    }
    for (const call of ends.calls) ends.answer(call);
  });
  sim.atEnd(() => {
    if (ends.settled !== 1 || ends.closed.client.length !== 1) world.fail("the call or the connection is left");
  });
}

/** A deadline against the reply and against a close. */
function deadlineAgainstReply(sim: AsyncSim): void {
  const world = new ScheduledWorld(sim);
  const ends = new Ends(world);
  let closing = false;
  world.actor("client", async () => {
    const [late, other] = await Promise.all([ends.call("late", { timeoutMs: 10 }), ends.call("other")]);
    if (late === "answered" && world.host.now() > 10) world.fail("answered after its deadline");
    if (other === "failed" && !closing) world.fail("one call's deadline ends another call");
    ends.client.close();
  });
  world.actor("server", async () => {
    await sim.until("two calls have come", () => ends.calls.length === 2);
    const closesAfter = sim.choose(3);
    for (const [index, call] of ends.calls.entries()) {
      await sim.step("answer, unless it closes now");
      closing ||= closesAfter === index;
      if (closing) ends.server.close();
      ends.answer(call);
    }
  });
  world.clock(1);
  sim.atEnd(() => {
    if (ends.settled !== 2) world.fail(`${ends.settled} of 2 calls have settled`);
  });
}

suite("close against call", () => {
  const cases: readonly [Closing, string][] = [
    ["client", "the client closes"],
    ["server", "the server closes"],
    ["end", "the server ends"],
    ["cut", "the transport breaks"],
  ];
  for (const [how, what] of cases) {
    test(`each call settles once and nothing comes after the end when ${what}`, (t) =>
      checkSchedules(t, `close against call: ${what}`, closeAgainstCalls(how)));
  }
  test("nothing comes after the end when the client closes inside a delivery", (t) =>
    checkSchedules(t, "close inside a delivery", closeInsideDelivery));
  test("a deadline, the reply and a close settle a call once, and no other", (t) =>
    checkSchedules(t, "deadline against reply and close", deadlineAgainstReply));
});
