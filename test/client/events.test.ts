import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Connection, DomainEvent, Gap } from "../../src/client/index.ts";
import { ErrorCode } from "../../src/protocol/index.ts";
import { ClientWorld } from "./client-world.ts";

type Told = DomainEvent | Gap;

function short(event: Told): string {
  if (event.name === "gap") {
    const changes = event.changes?.map(({ domain, before, after }) => `${domain.name} ${before}->${after}`);
    return `gap ${changes?.join(", ") ?? `${event.missing?.from}-${event.missing?.to}`}`;
  }
  return event.name === "lifecycle" ? `${event.domain.name} ${event.event} ${event.detail}` : event.name;
}

/** Collects what is told, and how it ends. */
function collect(events: AsyncIterable<Told>): { readonly heard: string[]; readonly end: Promise<unknown> } {
  const heard: string[] = [];
  const listen = async (): Promise<unknown> => {
    try {
      for await (const event of events) heard.push(short(event));
      return undefined;
    } catch (error) {
      return error;
    }
  };
  return { heard, end: listen() };
}

async function setUp(world = new ClientWorld()): Promise<{ world: ClientWorld; connection: Connection }> {
  return { world, connection: await world.open() };
}

/** What nobody catches as long as it is in use. */
function catchThrown(): Disposable & { readonly errors: unknown[] } {
  const errors: unknown[] = [];
  const runners = process.listeners("uncaughtException");
  const hear = (error: unknown): void => void errors.push(error);
  process.removeAllListeners("uncaughtException").on("uncaughtException", hear);
  return {
    errors,
    [Symbol.dispose]: () => {
      process.off("uncaughtException", hear);
      for (const each of runners) process.on("uncaughtException", each);
    },
  };
}

const messageOf = (error: unknown): string => (error as Error).message;

suite("events", () => {
  test("are heard in words, from the moment the subscription is ready", async () => {
    const { world, connection } = await setUp();
    const events = connection.events("lifecycle");
    await world.settle(events.ready);
    const { heard, end } = collect(events);
    const domain = await world.settle(connection.domainDefineXml("<name>hello</name>"));
    await world.settle(domain.create());
    await world.settle(domain.destroy());
    events.close();
    assert.equal(await world.settle(end), undefined);
    assert.deepEqual(heard, ["hello defined added", "hello started booted", "hello stopped destroyed"]);
  });

  test("of one domain are its own", async () => {
    const { world, connection } = await setUp();
    const [one, other] = ["one", "other"].map((name) => world.serving.driver.define(name));
    assert.ok(one !== undefined && other !== undefined);
    const domain = await world.settle(connection.domain("one"));
    const events = domain.events("lifecycle");
    await world.settle(events.ready);
    const { heard } = collect(events);
    await world.settle((await world.settle(connection.domain("other"))).create());
    await world.settle(domain.create());
    await world.rest();
    assert.deepEqual(heard, ["one started booted"]);
  });

  test("end by break, and the server is told", async () => {
    const { world, connection } = await setUp();
    const events = connection.events("lifecycle");
    await world.settle(events.ready);
    const listening = (async () => {
      for await (const event of events) return event.domain.name;
      return undefined;
    })();
    world.serving.driver.define("hello");
    assert.equal(await world.settle(listening), "hello");
    await world.rest();
    assert.equal(world.serving.driver.listeners, 0);
    assert.equal(events.state, "ended");
  });

  test("end by their signal, with its reason", async () => {
    const { world, connection } = await setUp();
    const abort = new AbortController();
    const events = connection.events("lifecycle", { signal: abort.signal });
    await world.settle(events.ready);
    const { end } = collect(events);
    abort.abort(new Error("enough"));
    assert.deepEqual(await world.settle(end), new Error("enough"));
    await world.rest();
    assert.equal(world.serving.driver.listeners, 0);
  });

  test("are told to a callback, and so is their end", async () => {
    const { world, connection } = await setUp();
    const heard: string[] = [];
    const ends: unknown[] = [];
    const events = connection.events("lifecycle").on(
      (event) => heard.push(short(event)),
      (cause) => ends.push(cause),
    );
    await world.settle(events.ready);
    world.serving.driver.define("hello");
    await world.rest();
    await world.settle(events[Symbol.asyncDispose]());
    world.serving.driver.define("later");
    await world.rest();
    assert.deepEqual(heard, ["hello defined added"]);
    assert.deepEqual(ends, [undefined]);
  });

  test("end with an error that nobody catches when the connection is lost and nobody is told of the end", async () => {
    const { world, connection } = await setUp();
    using thrown = catchThrown();
    const events = connection.events("lifecycle").on(() => {});
    await world.settle(events.ready);
    world.cut();
    await world.rest();
    assert.deepEqual(thrown.errors.map(messageOf), ["internal error: the server has closed the connection"]);
  });

  test("end without an error when we end them ourselves", async () => {
    const { world, connection } = await setUp();
    using thrown = catchThrown();
    const abort = new AbortController();
    const all = [
      connection.events("lifecycle").on(() => {}),
      connection.events("reboot", { signal: abort.signal }).on(() => {}),
      connection.events("balloonChange").on(() => {}),
    ] as const;
    await world.settle(Promise.all(all.map(({ ready }) => ready)));
    all[0].close();
    abort.abort();
    await world.settle(connection.close());
    await world.rest();
    assert.deepEqual(
      all.map(({ state }) => state),
      ["ended", "ended", "ended"],
    );
    assert.deepEqual(thrown.errors, []);
  });

  test("go on when a callback throws, which nobody catches", async () => {
    const { world, connection } = await setUp();
    using thrown = catchThrown();
    const heard: string[] = [];
    const events = connection.events("lifecycle").on((event) => {
      heard.push(short(event));
      throw new Error(`cannot do with ${short(event)}`);
    });
    await world.settle(events.ready);
    for (const name of ["one", "two"]) world.serving.driver.define(name);
    await world.rest();
    assert.deepEqual(heard, ["one defined added", "two defined added"]);
    assert.deepEqual(
      thrown.errors.map(messageOf),
      heard.map((each) => `cannot do with ${each}`),
    );
  });

  test("are disposed of when the server has confirmed their end", async () => {
    const { world, connection } = await setUp();
    const events = connection.events("lifecycle");
    await world.settle(events.ready);
    const disposed = events[Symbol.asyncDispose]().then(() => world.serving.driver.listeners);
    assert.equal(await world.settle(disposed), 0);
  });

  test("are disposed of when the server has heard of their beginning and their end, in that order", async () => {
    const { world, connection } = await setUp();
    const events = connection.events("lifecycle");
    const disposed = events[Symbol.asyncDispose]().then(() => world.serving.driver.listeners);
    assert.equal(await world.settle(disposed), 0);
  });

  test("keep the connection open until the server has confirmed their end", async () => {
    const { world, connection } = await setUp();
    const events = connection.events("lifecycle");
    await world.settle(events.ready);
    const server = world.transports.at(-1);
    server?.pause();
    const told: string[] = [];
    events.close();
    void connection.close().then(() => told.push("closed"));
    await world.rest();
    assert.deepEqual([told, world.serving.driver.listeners], [[], 1]);
    server?.resume();
    await world.rest();
    assert.deepEqual([told, world.serving.driver.listeners], [["closed"], 0]);
  });

  test("keep nobody waiting for a server that does not answer", async () => {
    const { world, connection } = await setUp();
    const events = connection.events("lifecycle");
    await world.settle(events.ready);
    world.transports.at(-1)?.pause();
    const told: string[] = [];
    void events[Symbol.asyncDispose]().then(() => told.push("disposed"));
    void connection.close().then(() => told.push("closed"));
    world.serving.world.pass(4_999);
    await world.rest();
    assert.deepEqual(told, []);
    world.serving.world.pass(1);
    await world.rest();
    assert.deepEqual(new Set(told), new Set(["closed", "disposed"]));
  });

  test("that are ended before a server has answered are waited for no longer", async () => {
    const { world, connection } = await setUp();
    world.transports.at(-1)?.pause();
    const abort = new AbortController();
    const [one, other] = [connection.events("lifecycle", { signal: abort.signal }), connection.events("lifecycle")];
    await world.rest();
    const reason = new Error("enough");
    abort.abort(reason);
    other.close();
    await assert.rejects(world.settle(one.ready), reason);
    await world.settle(other.ready);
    world.transports.at(-1)?.resume();
    await world.rest();
    assert.equal(world.serving.driver.listeners, 0);
  });

  test("throw the cause when the connection is lost", async () => {
    const { world, connection } = await setUp();
    const events = connection.events();
    await world.settle(events.ready);
    const { heard, end } = collect(events);
    world.serving.driver.define("hello");
    await world.rest();
    world.cut();
    const cause = await world.settle(end);
    assert.equal((cause as { code: number }).code, ErrorCode.internalError);
    assert.deepEqual(heard, ["hello defined added"]);
  });

  test("go on without a gap when our daemon is reached again", async () => {
    const { world, connection } = await setUp();
    const events = connection.events("lifecycle", { reconnect: true });
    await world.settle(events.ready);
    const { heard } = collect(events);
    world.serving.driver.define("before");
    await world.rest();
    world.refusal = new Error("not yet");
    world.cut();
    world.serving.driver.define("meanwhile");
    await world.rest();
    world.refusal = undefined;
    for (let rounds = 0; rounds < 5; rounds++) {
      world.serving.world.pass(200);
      await world.rest();
    }
    world.serving.driver.define("after");
    await world.rest();
    assert.deepEqual(heard, ["before defined added", "meanwhile defined added", "after defined added"]);
  });

  test("say where the gap is, and what it has changed, when somebody else's server is reached again", async () => {
    const world = new ClientWorld();
    world.foreign = true;
    const connection = await world.open();
    assert.equal(connection.has("cursor"), false);
    const kept = await world.settle(connection.domainDefineXml("<name>kept</name>"));
    const gone = await world.settle(connection.domainDefineXml("<name>gone</name>"));
    const events = connection.events("lifecycle", { reconnect: true });
    await world.settle(events.ready);
    const { heard } = collect(events);
    await world.settle(kept.create());
    await world.settle(kept.suspend());
    world.cut();
    const other = await world.settle(world.serving.open());
    await world.settle(other.call.domainDestroy({ dom: kept }));
    await world.settle(other.call.domainUndefine({ dom: gone }));
    world.serving.driver.define("new");
    for (let rounds = 0; rounds < 3; rounds++) {
      world.serving.world.pass(200);
      await world.rest();
    }
    world.serving.driver.define("after");
    await world.rest();
    assert.deepEqual(heard, [
      "kept started booted",
      "kept suspended paused",
      "gap kept paused->shutoff, gone shutoff->undefined, new undefined->shutoff",
      "after defined added",
    ]);
  });

  test("from a cursor begin there, and need our daemon", async () => {
    const { world, connection } = await setUp();
    const first = connection.events("lifecycle", { reconnect: true });
    await world.settle(first.ready);
    const iterator = first[Symbol.asyncIterator]();
    world.serving.driver.define("one");
    const { value } = await world.settle(iterator.next());
    world.serving.driver.define("two");
    assert.ok(value?.position !== undefined && "timeMs" in value);
    const again = connection.events("lifecycle", { since: value.position });
    await world.settle(again.ready);
    const { heard } = collect(again);
    await world.rest();
    assert.deepEqual(heard, ["two defined added"]);
    const foreign = new ClientWorld();
    foreign.foreign = true;
    const elsewhere = (await foreign.open()).events("lifecycle", { since: value.position });
    await assert.rejects(foreign.settle(elsewhere.ready), { code: ErrorCode.noSupport });
  });

  test("of networks and their like are told in words too", async () => {
    const { world, connection } = await setUp();
    const events = connection.eventsOf("network", "lifecycle");
    await world.settle(events.ready);
    const heard: string[] = [];
    events.on(({ object, event }) => heard.push(`${object.name} ${event}`));
    const net = { name: "default", uuid: "00000000-0000-4000-8000-000000000001" };
    for (const tell of world.serving.driver.objects) tell({ name: "networkEventLifecycle", net, event: 2, detail: 0 });
    await world.rest();
    assert.deepEqual(heard, ["default started"]);
  });

  test("that come too fast end the subscription instead of being lost", async () => {
    const { world, connection } = await setUp();
    const events = connection.events("lifecycle", { limit: 2 });
    await world.settle(events.ready);
    for (const name of ["a", "b", "c"]) world.serving.driver.define(name);
    await world.rest();
    assert.equal(world.serving.driver.listeners, 0, "nobody is told any more");
    const { heard, end } = collect(events);
    assert.equal(((await world.settle(end)) as Error).name, "OverflowError");
    assert.equal(heard.length, 2);
  });

  test("that came too fast have no connection opened again for them", async () => {
    const { world, connection } = await setUp();
    const events = connection.events("lifecycle", { limit: 2, reconnect: true });
    await world.settle(events.ready);
    for (const name of ["a", "b", "c"]) world.serving.driver.define(name);
    await world.rest();
    world.cut();
    await world.rest();
    assert.deepEqual([connection.state, world.transports.length], ["lost", 1]);
  });

  test("asked for while the connection is lost wait for it where it is opened again", async () => {
    const world = new ClientWorld();
    const connection = await world.open({ reconnect: true });
    world.cut();
    const events = connection.events("lifecycle");
    const { heard } = collect(events);
    await world.settle(events.ready);
    world.serving.driver.define("hello");
    await world.rest();
    assert.deepEqual(heard, ["hello defined added"]);
  });
});
