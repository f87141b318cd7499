import { suite, test } from "node:test";
import { Daemon } from "../../src/daemon/index.ts";
import { Subscriptions } from "../../src/daemon/subscriptions.ts";
import type { Driver, Hypervisor } from "../../src/driver/driver.ts";
import { Publisher } from "../../src/driver/publisher.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import { Journal, type Stamped } from "../../src/model/index.ts";
import { type Domain, type DomainEvent, Lifecycle, MessageType, remote, Status } from "../../src/protocol/index.ts";
import { decodeEvent, type Frame, pairInMemory } from "../../src/rpc/index.ts";
import type { AsyncSim } from "../../src/testkit/index.ts";
import type { Codec } from "../../src/xdr/index.ts";
import { checkSchedules, ScheduledWorld } from "../rpc/scheduled-world.ts";
import { RawEnd } from "../rpc/world.ts";

const rows = remote.procedures;
const dom: Domain = { name: "test", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 1 };
const lifecycle = 0;
const suspended = Lifecycle.suspended.event;

/** A subscription in force. */
interface Active {
  readonly wanted: Domain | null;
  /** The event that was being told, or was last, when it began. */
  readonly since: number;
  /** It may hear that one too: its peer was to be told already. */
  readonly mayHearSince: boolean;
  heard: number;
}

/** A peer's subscriptions, and what it must hear: what was begun to be told after it had come and before it left. */
class Listener {
  readonly #world: Room;
  readonly name: string;
  readonly subscriptions: Subscriptions;
  readonly active = new Map<number, Active>();
  /** What to do when an event comes. */
  onEvent: () => void = () => {};

  constructor(world: Room, name: string, hypervisor: Hypervisor) {
    this.#world = world;
    this.name = name;
    this.subscriptions = new Subscriptions({
      hypervisor,
      issueCallbackId: () => world.nextId++,
      deliver: ({ callbackId }, event) => this.#deliver(callbackId, event),
      mayHear: () => true,
      onError: (error) => world.fail(String(error)),
    });
  }

  /** A first time for all domains, a second time for one. */
  add(): void {
    const taken = [...this.active.values()].map(({ wanted }) => wanted);
    const wanted = [null, dom].find((each) => !taken.includes(each));
    if (wanted === undefined) return;
    const { telling, isTelling } = this.#world;
    const mayHearSince = isTelling && taken.length > 0;
    const id = this.subscriptions.add(lifecycle, wanted, false);
    this.active.set(id, { wanted, since: telling, mayHearSince, heard: telling });
  }

  remove(): void {
    for (const [id, { heard }] of this.active) {
      this.active.delete(id);
      this.subscriptions.remove(id);
      if (!this.#world.isTelling && heard !== this.#world.telling) this.#world.fail(`${this.name} has missed an event`);
    }
  }

  #deliver(id: number, event: DomainEvent): void {
    const subscription = this.active.get(id);
    const number = event.name === "lifecycle" ? event.detail : 0;
    if (subscription === undefined) return this.#world.fail(`${this.name} hears ${number} after it has unsubscribed`);
    const { since, heard, mayHearSince } = subscription;
    const isEarly = number === since && heard === since && mayHearSince;
    if (number <= since && !isEarly) this.#world.fail(`${this.name} hears ${number}, which is older than it`);
    if (number !== heard + 1 && !isEarly) this.#world.fail(`${this.name} hears ${number} after ${heard}`);
    subscription.heard = number;
    this.onEvent();
  }
}

/** A publisher with two peers; events are numbered. */
class Room extends ScheduledWorld {
  readonly #publisher = new Publisher<Stamped<DomainEvent>>((error) => this.fail(String(error)));
  listeners = 0;
  nextId = 0;
  /** The event that is being told, or was last. */
  telling = 0;
  isTelling = false;
  #published = 0;

  readonly hypervisor: Hypervisor = {
    journal: new Journal<DomainEvent>({ now: () => 0 }),
    features: new Set(),
    procedures: {},
    subscribe: (listener) => {
      this.listeners++;
      const leave = this.#publisher.subscribe(listener);
      return () => {
        this.listeners--;
        leave();
      };
    },
  };

  constructor(sim: AsyncSim) {
    super(sim);
    // The first to hear knows when a telling begins.
    this.#publisher.subscribe(({ sequence }) => {
      this.telling = sequence;
      this.isTelling = true;
    });
  }

  /** Listens by itself until it is told to leave. */
  listen(): () => void {
    let hasLeft = false;
    const leave = this.#publisher.subscribe(() => {
      if (hasLeft) this.fail("a listener that has left is told an event");
    });
    return () => {
      hasLeft = true;
      leave();
    };
  }

  publish(): void {
    const isNested = this.isTelling;
    const sequence = ++this.#published;
    this.#publisher.publish({ sequence, time: 0, event: { name: "lifecycle", dom, event: 0, detail: sequence } });
    if (!isNested) this.isTelling = false;
  }

  get published(): number {
    return this.#published;
  }
}

/** Each peer does something inside a delivery: leaves, makes the other leave, comes anew, lets something else happen. */
function insideDelivery(sim: AsyncSim): void {
  const room = new Room(sim);
  const [one, other] = ["one", "other"].map((name) => new Listener(room, name, room.hypervisor)) as [
    Listener,
    Listener,
  ];
  const actions: readonly (() => void)[] = [
    () => leave?.(),
    () => {},
    () => one.remove(),
    () => other.remove(),
    () => (one.remove(), one.add()),
    () => other.add(),
    () => room.published < 3 && room.publish(),
  ];
  const act = (): void => actions[sim.choose(actions.length)]?.();
  one.onEvent = act;
  other.onEvent = () => actions[sim.choose(4)]?.();
  one.add();
  if (sim.choose(2) === 1) other.add();
  const leave = room.listen();
  room.actor("hypervisor", async () => {
    for (let count = 0; count < 2; count++) {
      await sim.step("publish");
      room.publish();
      if (other.subscriptions.size === 0) other.active.clear();
    }
  });
  sim.atEnd(() => {
    for (const each of [one, other]) {
      each.remove();
      each.subscriptions.close();
    }
    if (room.listeners > 0) room.fail(`${room.listeners} listeners are left with the hypervisor`);
  });
}

/** A test driver that counts who listens to it. */
function counted(driver: TestDriver, change: (by: number) => void): Driver {
  const hypervisor: Hypervisor = {
    journal: driver.journal,
    features: driver.features,
    procedures: driver.procedures,
    subscribe: (listener) => {
      change(1);
      const leave = driver.subscribe(listener);
      return () => {
        change(-1);
        leave();
      };
    },
  };
  return {
    name: "test",
    accepts: (uri) => driver.accepts(uri),
    connect: () => ({ hypervisor, release: () => {} }),
    close: () => driver.close(),
  };
}

/** A client by its bytes: replies and events in the order in which they came. */
class RawClient {
  readonly #world: ScheduledWorld;
  readonly end: RawEnd;
  #serial = 0;

  constructor(world: ScheduledWorld, daemon: Daemon) {
    this.#world = world;
    const [near, far] = pairInMemory(world.loop);
    daemon.accept(near);
    this.end = new RawEnd(far);
    this.end.send({ procedure: rows.connectOpen.number }, rows.connectOpen.args, { name: "test:///default", flags: 0 });
    // Not a part of what is explored.
    world.host.runUntilIdle();
  }

  /** Where its reply stands among what has come. */
  async call<T>(row: { readonly number: number; readonly args: Codec<T> }, args: T): Promise<number> {
    const serial = ++this.#serial;
    this.end.send({ procedure: row.number, serial }, row.args, args);
    const isReply = ({ header }: Frame): boolean =>
      header.type === MessageType.reply && header.serial === serial && header.status === Status.ok;
    await this.#world.sim.until("the reply has come", () => this.end.received.some(isReply));
    return this.end.received.findIndex(isReply);
  }

  /** The events of a subscription, and where they stand. */
  eventsOf(callbackId: number): { readonly at: number; readonly event: number }[] {
    return this.end.received.flatMap((frame, at) => {
      const event = frame.header.type === MessageType.message ? decodeEvent(remote, frame) : undefined;
      if (event?.name !== "domainEventCallbackLifecycle" || event.message.callbackId !== callbackId) return [];
      return [{ at, event: event.message.msg.event }];
    });
  }
}

/** A subscription as its client knows it. */
interface Known {
  readonly id: number;
  readonly begun: number;
  ended: number;
}

/** One client unsubscribes and subscribes anew while another makes things happen; both over the wire. */
function overTheWire(sim: AsyncSim): void {
  const world = new ScheduledWorld(sim);
  let listeners = 0;
  const driver = new TestDriver(world.loop, { clock: () => 0 });
  const daemon = new Daemon(world.loop, { drivers: [counted(driver, (by) => (listeners += by))] });
  const [listener, doer] = [new RawClient(world, daemon), new RawClient(world, daemon)];
  const known: Known[] = [];
  /** What must have been heard: it was asked for and answered while the subscription was known to be in force. */
  const due: { readonly id: number; readonly event: number }[] = [];
  let inForce: number | undefined;
  world.actor("listener", async () => {
    for (let id = 0; id < 2; id++) {
      const begun = await listener.call(rows.connectDomainEventCallbackRegisterAny, { eventId: lifecycle, dom: null });
      inForce = id;
      await sim.step("unsubscribe");
      inForce = undefined;
      if (id === 1 && sim.choose(2) === 1) break;
      const ended = await listener.call(rows.connectDomainEventCallbackDeregisterAny, { callbackId: id });
      known.push({ id, begun, ended });
      if (listeners > 0) world.fail("the last one has unsubscribed and the daemon still listens");
    }
    listener.end.transport.close();
  });
  world.actor("doer", async () => {
    const before = inForce;
    await doer.call(rows.domainSuspend, { dom });
    if (before !== undefined && before === inForce) due.push({ id: before, event: suspended });
    doer.end.transport.close();
  });
  sim.atEnd(() => {
    if (daemon.size > 0 || listeners > 0) world.fail("something of a client is left with the daemon");
    for (const { id, begun, ended } of known) {
      const events = listener.eventsOf(id);
      if (events.some(({ at }) => at < begun || at > ended)) world.fail(`an event comes outside of subscription ${id}`);
      const heard = events.map(({ event }) => event).join();
      if (!["", String(suspended)].includes(heard)) world.fail(`subscription ${id} has heard ${heard}`);
      for (const each of due) {
        if (each.id === id && !heard.includes(String(each.event))) world.fail(`subscription ${id} has missed an event`);
      }
    }
  });
}

suite("unsubscribing", () => {
  test("and subscribing inside a delivery: nothing after the end, everything from the next event on, once", (t) =>
    checkSchedules(t, "unsubscribe and subscribe inside a delivery", insideDelivery));
  test("over the wire: nothing after the reply, and the last one to go leaves nothing with the hypervisor", (t) =>
    checkSchedules(t, "the last unsubscribe against events under way", overTheWire));
});
