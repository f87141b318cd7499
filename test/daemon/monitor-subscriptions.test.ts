import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DomainMonitorEvent } from "../../src/driver/driver.ts";
import { type Client, ErrorCode, qemu, remote } from "../../src/protocol/index.ts";
import { type CallOptions, Connection, clientOf, decodeEvent, pairInMemory, type Stream } from "../../src/rpc/index.ts";
import { Serving } from "./serving.ts";

const dom = { name: "one", uuid: "00000000-0000-4000-8000-000000000001", id: 3 };
const stop: DomainMonitorEvent = { dom, event: "STOP", seconds: 12n, micros: 5, details: null };

/** A client of the QEMU program, and the events that it heard as "callback name". */
async function open(
  serving: Serving,
): Promise<{ call: Client<typeof qemu.procedures, CallOptions, Stream>; heard: string[] }> {
  const [near, far] = pairInMemory(serving.world.loop);
  serving.daemon.accept(near);
  const connection = new Connection(serving.world.loop, far);
  const heard: string[] = [];
  connection.open({
    onEvent: (frame) => {
      const event = decodeEvent(qemu, frame);
      if (event !== undefined) heard.push(`${event.message.callbackId} ${event.message.event}`);
    },
    onClose: () => {},
  });
  const call = clientOf(connection, remote);
  await serving.settle(call.authList({}));
  await serving.settle(call.connectOpen({ name: "fake:///default", flags: 0 }));
  return { call: clientOf(connection, qemu), heard };
}

function tell({ driver, world }: Serving, event: string, of = dom): void {
  for (const listener of driver.monitors) listener({ ...stop, event, dom: of });
  world.run();
}

describe("what monitors say", () => {
  it("is heard by those who asked for all of it, for one name, or for what a regular expression finds", async () => {
    const serving = new Serving();
    const { call, heard } = await open(serving);
    const register = (event: string | null, flags: number) =>
      serving.settle(call.connectDomainMonitorEventRegister({ dom: null, event, flags }));
    await register(null, 0);
    await register("STOP", 0);
    await register("stop", 2);
    await register("^ST", 1);
    await register("^st.P$", 3);
    await register("stop", 0);
    tell(serving, "STOP");
    tell(serving, "START");
    assert.deepEqual(heard, ["0 STOP", "1 STOP", "2 STOP", "3 STOP", "4 STOP", "0 START", "3 START"]);
  });

  it("may be of one domain, and ends with the subscription", async () => {
    const serving = new Serving();
    const { call, heard } = await open(serving);
    await serving.settle(call.connectDomainMonitorEventRegister({ dom, event: null, flags: 0 }));
    tell(serving, "STOP", { ...dom, uuid: "00000000-0000-4000-8000-000000000002" });
    tell(serving, "STOP");
    await serving.settle(call.connectDomainMonitorEventDeregister({ callbackId: 0 }));
    tell(serving, "STOP");
    assert.deepEqual([heard, serving.driver.monitors.size], [["0 STOP"], 0]);
    const again = serving.settle(call.connectDomainMonitorEventDeregister({ callbackId: 0 }));
    await assert.rejects(again, { code: ErrorCode.internalError });
  });

  it("an expression that does not come to an end keeps nobody waiting, and finds nothing", async () => {
    const serving = new Serving();
    const { call, heard } = await open(serving);
    const event = "^(([A-Z]+)+)+$";
    await serving.settle(call.connectDomainMonitorEventRegister({ dom: null, event, flags: 1 }));
    const begun = performance.now();
    for (let count = 0; count < 100; count++) tell(serving, `${"A".repeat(60)}_`);
    assert.deepEqual(heard, []);
    assert.ok(performance.now() - begun < 2_000, "it is compared once, and not for long");
  });

  it("what is no expression, and flags that nobody knows, are refused", async () => {
    const serving = new Serving();
    const client = await open(serving);
    for (const [event, flags] of [
      ["(", 1],
      ["STOP", 4],
    ] as const) {
      const asked = serving.settle(client.call.connectDomainMonitorEventRegister({ dom: null, event, flags }));
      await assert.rejects(asked, { code: ErrorCode.invalidArg });
    }
    assert.equal(serving.driver.monitors.size, 0);
  });

  it("is not there where guests have no monitors", async () => {
    const serving = new Serving();
    serving.driver.monitorEvents = undefined;
    const { call } = await open(serving);
    const asked = serving.settle(call.connectDomainMonitorEventRegister({ dom: null, event: null, flags: 0 }));
    await assert.rejects(asked, { code: ErrorCode.noSupport });
  });
});
