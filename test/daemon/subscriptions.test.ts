import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { domainEventIdLimit, ErrorCode, legacyEventIdLimit, remote } from "../../src/protocol/index.ts";
import { sampleEvents } from "./sample-events.ts";
import { Serving, type TestClient } from "./serving.ts";

const tracked = { code: ErrorCode.invalidArg, domain: 0, message: "invalid argument: event callback already tracked" };
const lifecycle = { eventId: 0, dom: null };

/** What a client heard, in short: callback id (or "legacy"), domain, event. */
function heard({ events }: TestClient): string[] {
  return events.map((event) => {
    if (event?.name === "domainEventCallbackLifecycle") {
      const { callbackId, msg } = event.message;
      return `${callbackId} ${msg.dom.name} ${msg.event}`;
    }
    if (event?.name === "domainEventLifecycle") return `legacy ${event.message.dom.name} ${event.message.event}`;
    return String(event?.name);
  });
}

/** What an event says, whether or not it stands behind a callback id. */
function contentOf(event: { readonly message: object } | undefined): object {
  const { callbackId: _, name: __, msg, reason, ...rest } = { ...event?.message } as Record<string, unknown>;
  return { ...(msg === undefined ? { ...rest, ...(reason === undefined ? {} : { reason }) } : (msg as object)) };
}

describe("domain events", () => {
  it("reach every subscriber in order, with its own callback id", async () => {
    const serving = new Serving();
    const one = await serving.open();
    const other = await serving.open();
    assert.deepEqual(await serving.settle(one.call.connectDomainEventCallbackRegisterAny(lifecycle)), {
      callbackId: 0,
    });
    assert.deepEqual(await serving.settle(other.call.connectDomainEventCallbackRegisterAny(lifecycle)), {
      callbackId: 1,
    });
    const dom = serving.driver.define("hello");
    await serving.settle(one.call.domainCreate({ dom }));
    await serving.settle(one.call.domainSuspend({ dom }));
    await serving.settle(one.call.domainDestroy({ dom }));
    assert.deepEqual(heard(one), ["0 hello 0", "0 hello 2", "0 hello 3", "0 hello 5"]);
    assert.deepEqual(heard(other), ["1 hello 0", "1 hello 2", "1 hello 3", "1 hello 5"]);
    const [, started, , stopped] = one.events;
    assert.ok(started?.name === "domainEventCallbackLifecycle" && stopped?.name === "domainEventCallbackLifecycle");
    assert.deepEqual([started.message.msg.dom.id, stopped.message.msg.dom.id], [1, -1]);
  });

  it("may be for one domain", async () => {
    const serving = new Serving();
    const dom = serving.driver.define("mine");
    const other = serving.driver.define("other");
    const client = await serving.open();
    await serving.settle(client.call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom }));
    await serving.settle(client.call.domainCreate({ dom: other }));
    await serving.settle(client.call.domainCreate({ dom: { ...dom, name: "a stale name", id: 99 } }));
    assert.deepEqual(heard(client), ["0 mine 2"]);
  });

  it("come in the older forms to those who asked in the older ways", async () => {
    const serving = new Serving();
    const first = await serving.open();
    const second = await serving.open();
    assert.deepEqual(await serving.settle(first.call.connectDomainEventRegister({})), { cbRegistered: 0 });
    await serving.settle(second.call.connectDomainEventRegisterAny({ eventId: 0 }));
    serving.driver.define("hello");
    serving.world.run();
    assert.deepEqual([heard(first), heard(second)], [["legacy hello 0"], ["legacy hello 0"]]);
    assert.deepEqual(await serving.settle(first.call.connectDomainEventDeregister({})), { cbRegistered: 0 });
    await serving.settle(second.call.connectDomainEventDeregisterAny({ eventId: 0 }));
    serving.driver.define("again");
    serving.world.run();
    assert.deepEqual([heard(first).length, heard(second).length], [1, 1]);
  });

  for (const [eventId, event] of sampleEvents.slice(0, domainEventIdLimit).entries()) {
    it(`of the kind ${event.name} reach those who asked for id ${eventId}, whole, and nobody else`, async () => {
      const serving = new Serving();
      const [asked, other] = [await serving.open(), await serving.open()];
      await serving.settle(asked.call.connectDomainEventCallbackRegisterAny({ eventId, dom: null }));
      await serving.settle(
        other.call.connectDomainEventCallbackRegisterAny({ eventId: eventId === 0 ? 1 : 0, dom: null }),
      );
      serving.driver.tell(event);
      serving.world.run();
      const [received] = asked.events;
      assert.equal(asked.events.length, 1);
      assert.equal(other.events.length, 0);
      assert.deepEqual(contentOf(received), contentOf({ message: event }));
    });
  }

  for (const [eventId, event] of sampleEvents.slice(0, legacyEventIdLimit).entries()) {
    it(`of the kind ${event.name} have an older form`, async () => {
      const serving = new Serving();
      const client = await serving.open();
      await serving.settle(client.call.connectDomainEventRegisterAny({ eventId }));
      serving.driver.tell(event);
      serving.world.run();
      const [received] = client.events;
      assert.equal(received?.name, `domainEvent${event.name[0]?.toUpperCase()}${event.name.slice(1)}`);
      assert.deepEqual({ ...received?.message }, contentOf({ message: { ...event } }));
    });
  }
});

describe("a subscription", () => {
  it("exists once per event and domain, whichever way it was made", async () => {
    const serving = new Serving();
    const dom = serving.driver.define("hello");
    const { call } = await serving.open();
    await serving.settle(call.connectDomainEventCallbackRegisterAny(lifecycle));
    await assert.rejects(serving.settle(call.connectDomainEventCallbackRegisterAny(lifecycle)), tracked);
    await assert.rejects(serving.settle(call.connectDomainEventRegister({})), tracked);
    await assert.rejects(serving.settle(call.connectDomainEventRegisterAny({ eventId: 0 })), tracked);
    await serving.settle(call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom }));
    await assert.rejects(serving.settle(call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom })), tracked);
  });

  it("is refused for events that do not exist, or not in that generation of calls", async () => {
    const serving = new Serving();
    const { call } = await serving.open();
    const refused = (eventId: number) => ({
      code: 1,
      domain: 7,
      message: `internal error: unsupported event ID ${eventId}`,
    });
    for (const eventId of [-1, 27, 99]) {
      await assert.rejects(
        serving.settle(call.connectDomainEventCallbackRegisterAny({ eventId, dom: null })),
        refused(eventId),
      );
    }
    await assert.rejects(serving.settle(call.connectDomainEventRegisterAny({ eventId: 16 })), refused(16));
    await assert.rejects(serving.settle(call.connectDomainEventDeregisterAny({ eventId: -1 })), refused(-1));
  });

  it("that does not exist cannot be ended", async () => {
    const serving = new Serving();
    const { call } = await serving.open();
    await assert.rejects(serving.settle(call.connectDomainEventCallbackDeregisterAny({ callbackId: 12_345 })), {
      message: "internal error: domain event callback 12345 not registered",
    });
    await assert.rejects(serving.settle(call.connectDomainEventDeregister({})), {
      message: "internal error: domain event 0 not registered",
    });
  });

  it("is its peer's own: another cannot end it", async () => {
    const serving = new Serving();
    const one = await serving.open();
    const other = await serving.open();
    const { callbackId } = await serving.settle(one.call.connectDomainEventCallbackRegisterAny(lifecycle));
    await assert.rejects(serving.settle(other.call.connectDomainEventCallbackDeregisterAny({ callbackId })), {
      code: 1,
    });
  });

  it("that has ended hears nothing more, and a new one starts clean with a new id", async () => {
    const serving = new Serving();
    const client = await serving.open();
    const { callbackId } = await serving.settle(client.call.connectDomainEventCallbackRegisterAny(lifecycle));
    await serving.settle(client.call.connectDomainEventCallbackDeregisterAny({ callbackId }));
    assert.equal(serving.driver.listeners, 0);
    serving.driver.define("unheard");
    await serving.settle(client.call.connectDomainEventCallbackRegisterAny(lifecycle));
    serving.driver.define("heard");
    serving.world.run();
    assert.deepEqual(heard(client), ["1 heard 0"]);
  });

  it("ends with its connection, however that ends", async () => {
    for (const leave of ["close", "hang up"]) {
      const serving = new Serving();
      const client = await serving.open();
      await serving.settle(client.call.connectDomainEventCallbackRegisterAny(lifecycle));
      if (leave === "close") await serving.settle(client.call.connectClose({}));
      else client.connection.close();
      serving.world.run();
      assert.equal(serving.driver.listeners, 0, leave);
      serving.driver.define("late");
      serving.world.run();
      assert.deepEqual(serving.world.errors, []);
    }
  });

  it("of a peer that does not read ends in the middle of a delivery, and hurts no other", async () => {
    const serving = new Serving({ limits: { backlog: 5_000 } });
    const slow = serving.raw();
    const rows = remote.procedures;
    await serving.ask(slow, { procedure: 1 }, rows.connectOpen.args, { name: "fake:///default", flags: 0 });
    await serving.ask(slow, { procedure: 316 }, rows.connectDomainEventCallbackRegisterAny.args, lifecycle);
    const quick = await serving.open();
    await serving.settle(quick.call.connectDomainEventCallbackRegisterAny(lifecycle));
    slow.transport.pause();
    for (let count = 0; count < 200; count++) {
      serving.driver.define(`d${count}`);
      serving.world.run();
    }
    assert.equal(quick.events.length, 200);
    assert.equal(serving.daemon.size, 1);
    assert.equal(serving.driver.listeners, 1);
    const [entry] = serving.log.filter(({ level }) => level === "warn");
    assert.match(entry?.message ?? "", /^dropped: the peer does not read: \d+ bytes wait for it$/);
  });
});
