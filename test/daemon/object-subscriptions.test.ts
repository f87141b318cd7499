import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ErrorCode, ErrorDomain, type ObjectEvent } from "../../src/protocol/index.ts";
import { Serving, type TestClient } from "./serving.ts";

const net = { name: "default", uuid: "00000000-0000-4000-8000-000000000001" };
const other = { name: "other", uuid: "00000000-0000-4000-8000-000000000002" };
const started: ObjectEvent = { name: "networkEventLifecycle", net, event: 2, detail: 0 };
const refreshed: ObjectEvent = { name: "storagePoolEventRefresh", pool: net };

function tell({ driver, world }: Serving, event: ObjectEvent): void {
  for (const listener of driver.objects) listener(event);
  world.run();
}

/** Names and callback ids of what a client heard. */
function heard({ events }: TestClient): unknown[] {
  return events.map((event) => {
    const message = { ...event?.message } as { readonly callbackId?: number };
    return [event?.name, message.callbackId];
  });
}

describe("events of networks, pools and other objects", () => {
  it("reach those who asked for their kind and id, whole", async () => {
    const serving = new Serving();
    const client = await serving.open();
    await serving.settle(client.call.connectNetworkEventRegisterAny({ eventId: 0, net: null }));
    await serving.settle(client.call.connectStoragePoolEventRegisterAny({ eventId: 1, pool: null }));
    tell(serving, started);
    tell(serving, refreshed);
    tell(serving, { name: "storagePoolEventLifecycle", pool: net, event: 0, detail: 0 });
    assert.deepEqual(heard(client), [
      ["networkEventLifecycle", 0],
      ["storagePoolEventRefresh", 1],
    ]);
    assert.deepEqual({ ...client.events[0]?.message }, { callbackId: 0, net, event: 2, detail: 0 });
  });

  it("may be of one object, whether or not it is there, and whatever its name", async () => {
    const serving = new Serving();
    const client = await serving.open();
    const stale = { ...net, name: "a stale name" };
    await serving.settle(client.call.connectNetworkEventRegisterAny({ eventId: 0, net: stale }));
    tell(serving, { ...started, net: other });
    tell(serving, started);
    assert.deepEqual(heard(client), [["networkEventLifecycle", 0]]);
  });

  it("can be asked for once, and once more for each object", async () => {
    const serving = new Serving();
    const { call } = await serving.open();
    const message = "invalid argument: event callback already tracked";
    await serving.settle(call.connectNetworkEventRegisterAny({ eventId: 0, net: null }));
    await serving.settle(call.connectNetworkEventRegisterAny({ eventId: 0, net }));
    await serving.settle(call.connectNetworkEventRegisterAny({ eventId: 0, net: other }));
    for (const again of [null, net]) {
      const asked = serving.settle(call.connectNetworkEventRegisterAny({ eventId: 0, net: again }));
      await assert.rejects(asked, { code: ErrorCode.invalidArg, message });
    }
  });

  it("are refused where there is no such event, and where the hypervisor has no such objects", async () => {
    const serving = new Serving();
    const { call } = await serving.open();
    for (const eventId of [-1, 1]) {
      await assert.rejects(serving.settle(call.connectNetworkEventRegisterAny({ eventId, net: null })), {
        code: ErrorCode.internalError,
        domain: ErrorDomain.rpc,
        message: `internal error: unsupported network event ID ${eventId}`,
      });
    }
    await assert.rejects(serving.settle(call.connectSecretEventRegisterAny({ eventId: 0, secret: null })), {
      code: ErrorCode.noSupport,
      domain: ErrorDomain.secret,
    });
    await assert.rejects(serving.settle(call.connectNodeDeviceEventRegisterAny({ eventId: 0, dev: null })), {
      code: ErrorCode.noSupport,
      domain: ErrorDomain.nodedev,
    });
  });

  it("are heard until the subscription ends, by a call of its own kind", async () => {
    const serving = new Serving();
    const client = await serving.open();
    const { call } = client;
    const { callbackId } = await serving.settle(call.connectNetworkEventRegisterAny({ eventId: 0, net: null }));
    await assert.rejects(serving.settle(call.connectStoragePoolEventDeregisterAny({ callbackId })), {
      message: `internal error: storage pool event callback ${callbackId} not registered`,
    });
    await serving.settle(call.connectNetworkEventDeregisterAny({ callbackId }));
    assert.equal(serving.driver.objects.size, 0);
    tell(serving, started);
    assert.deepEqual(client.events, []);
  });

  it("end with their connection", async () => {
    const serving = new Serving();
    const client = await serving.open();
    await serving.settle(client.call.connectNetworkEventRegisterAny({ eventId: 0, net: null }));
    assert.equal(serving.driver.objects.size, 1);
    client.connection.close();
    serving.world.run();
    assert.equal(serving.driver.objects.size, 0);
  });
});
