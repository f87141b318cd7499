import { suite, test } from "node:test";
import type { Transport } from "../../src/event/index.ts";
import { keepalive, MessageType } from "../../src/protocol/index.ts";
import { Connection, pairInMemory } from "../../src/rpc/index.ts";
import type { AsyncSim } from "../../src/testkit/index.ts";
import { checkSchedules, ScheduledWorld } from "./scheduled-world.ts";
import { message, nothing, RawEnd } from "./world.ts";

const pong = { program: keepalive.number, version: 1, procedure: 2, type: MessageType.message };
const options = { intervalMs: 10, count: 1 };
/** Of silence, after which a peer counts as dead. */
const patience = options.intervalMs * (options.count + 1);

/** A server that asks for signs of life, and a client that gives them when the schedule likes. */
class Watched {
  readonly world: ScheduledWorld;
  readonly server: Connection;
  readonly client: RawEnd;
  readonly closed: (Error | undefined)[] = [];
  /** When the client sent something last. */
  spokeAt = 0;

  constructor(world: ScheduledWorld) {
    this.world = world;
    const [near, far] = pairInMemory(world.loop);
    this.server = new Connection(world.loop, this.#witness(near));
    this.server.open({ onCall: () => {}, onClose: (cause) => this.#onClose(cause) });
    this.server.startKeepalive(options);
    this.client = new RawEnd(far);
  }

  get isOver(): boolean {
    return this.closed.length > 0;
  }

  reply(): void {
    if (this.server.state === "open") this.spokeAt = this.world.host.now();
    this.client.transport.send(message(pong, nothing, {}));
  }

  /** Every ping goes through here. */
  #witness(transport: Transport): Transport {
    const send = transport.send.bind(transport);
    transport.send = (bytes, fds) => {
      if (this.isOver || this.server.state !== "open") this.world.fail("something is sent by one that has closed");
      send(bytes, fds);
    };
    return transport;
  }

  #onClose(cause: Error | undefined): void {
    this.closed.push(cause);
    if (this.closed.length > 1) this.world.fail("the server is closed twice");
    if (cause === undefined) return;
    const silence = this.world.host.now() - this.spokeAt;
    if (silence < patience) this.world.fail(`dropped after ${silence} ms of silence, not after ${patience}`);
  }
}

/** Somebody closes at any moment: before a ping, after it, when the deadline has come. */
function closeAtAnyTime(sim: AsyncSim): void {
  const world = new ScheduledWorld(sim);
  const watched = new Watched(world);
  world.actor("closer", async () => {
    await sim.step("close");
    if (sim.choose(2) === 0) watched.server.close();
    else watched.client.transport.close();
  });
  world.actor("client", async () => {
    await sim.until("answer", () => watched.client.received.length > 0 || watched.isOver);
    watched.reply();
  });
  world.clock(2);
  sim.atEnd(() => {
    if (!watched.isOver) world.fail("the server was not told that it is closed");
  });
}

/** A client that answers late, too late, or not at all; nobody else closes. */
function answersLate(sim: AsyncSim): void {
  const world = new ScheduledWorld(sim);
  const watched = new Watched(world);
  world.actor("client", async () => {
    for (let asked = 1; asked <= 2; asked++) {
      await sim.until("it is asked", () => watched.client.received.length >= asked || watched.isOver);
      await sim.step("answer");
      watched.reply();
    }
    await sim.until("it is given up", () => watched.isOver);
  });
  world.clock(8);
  sim.atEnd(() => {
    const [cause] = watched.closed;
    if (cause?.message.startsWith("keepalive: ") !== true) world.fail("a peer that is silent for ever is not dropped");
  });
}

suite("keepalive against close", () => {
  test("nothing is sent and nothing fires after a close, whenever that comes", (t) =>
    checkSchedules(t, "keepalive against close", closeAtAnyTime));
  test("a late sign of life counts until the deadline has been acted upon, and never after", (t) =>
    checkSchedules(t, "keepalive answered late", answersLate));
});
