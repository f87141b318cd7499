import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Connection, Domain } from "../../src/client/index.ts";
import { ErrorCode } from "../../src/protocol/index.ts";
import { ClientWorld } from "./client-world.ts";

/** A connection with a domain whose QEMU and agent a test answers for. */
async function setUp() {
  const world = new ClientWorld();
  const connection: Connection = await world.open();
  world.serving.driver.define("guest");
  const guest: Domain = await world.settle(connection.domain("guest"));
  const heard: string[] = [];
  const answer = { text: '{"return":{}}' };
  Object.assign(world.serving.driver.procedures, {
    domainMonitorCommand: ({ cmd, flags }: { cmd: string; flags: number }) => {
      heard.push(`${flags} ${cmd}`);
      return { result: answer.text };
    },
    domainAgentCommand: ({ cmd, timeout }: { cmd: string; timeout: number }) => {
      heard.push(`${timeout} ${cmd}`);
      return { result: answer.text };
    },
  });
  return { world, connection, guest, heard, answer };
}

function tell(world: ClientWorld, dom: Domain, event: string): void {
  const { name, uuid, id } = dom;
  const told = { dom: { name, uuid, id }, event, seconds: 12n, micros: 500, details: '{"offset":1}' };
  for (const listener of world.serving.driver.monitors) listener(told);
}

async function cutAndWait(world: ClientWorld): Promise<void> {
  world.cut();
  for (let rounds = 0; rounds < 3; rounds++) {
    world.serving.world.pass(200);
    await world.rest();
  }
}

suite("a domain's monitor", () => {
  test("is sent commands of QMP's, and what it returns is given", async () => {
    const { world, guest, heard, answer } = await setUp();
    answer.text = '{"return":{"running":true}}';
    assert.deepEqual(await world.settle(guest.monitorCommand("query-status")), { running: true });
    await world.settle(guest.monitorCommand("device_del", { id: "disk0" }));
    assert.deepEqual(heard, ['0 {"execute":"query-status"}', '0 {"execute":"device_del","arguments":{"id":"disk0"}}']);
  });

  test("says in an error what QEMU has against a command", async () => {
    const { world, guest, answer } = await setUp();
    answer.text = '{"error":{"class":"CommandNotFound","desc":"The command sing has not been found"}}';
    await assert.rejects(world.settle(guest.monitorCommand("sing")), {
      code: ErrorCode.internalError,
      message: /'sing': The command sing has not been found/,
    });
  });

  test("is spoken with as people do", async () => {
    const { world, guest, heard, answer } = await setUp();
    answer.text = "VM status: running\r\n";
    assert.equal(await world.settle(guest.humanMonitorCommand("info status")), "VM status: running\r\n");
    assert.deepEqual(heard, ["1 info status"]);
  });

  test("tells its events, those of a name, and behind a lost connection that some may be missing", async () => {
    const { world, connection, guest } = await setUp();
    const all = connection.monitorEvents(/^rtc/i, { reconnect: true });
    const own = guest.monitorEvents("RTC_CHANGE");
    await world.settle(Promise.all([all.ready, own.ready]));
    const heard: unknown[] = [];
    all.on((event) => heard.push("name" in event ? event.name : [event.domain.name, event.event, event.timeMs]));
    own.on(
      ({ details }) => heard.push(details),
      () => {},
    );
    tell(world, guest, "RTC_CHANGE");
    tell(world, guest, "STOP");
    await world.rest();
    assert.deepEqual(heard.splice(0), [["guest", "RTC_CHANGE", 12_000.5], { offset: 1 }]);
    await cutAndWait(world);
    tell(world, guest, "RTC_CHANGE");
    await world.rest();
    assert.deepEqual(heard, ["gap", ["guest", "RTC_CHANGE", 12_000.5]]);
    assert.equal(own.state, "ended");
  });
});

suite("a domain's agent", () => {
  test("is sent commands, and waited for as long as the caller says", async () => {
    const { world, guest, heard, answer } = await setUp();
    answer.text = '{"return":"2.0"}';
    assert.equal(await world.settle(guest.agentCommand("guest-info")), "2.0");
    await world.settle(guest.agentCommand("guest-ping", undefined, { waitS: 5 }));
    assert.deepEqual(heard, ['-1 {"execute":"guest-info"}', '5 {"execute":"guest-ping"}']);
  });
});

test("events of networks go on behind a gap when the connection was lost", async () => {
  const { world, connection } = await setUp();
  const events = connection.eventsOf("network", "lifecycle", { reconnect: true });
  await world.settle(events.ready);
  const heard: string[] = [];
  events.on((event) => heard.push(event.name === "gap" ? "gap" : `${event.object.name} ${event.event}`));
  await cutAndWait(world);
  const net = { name: "default", uuid: "00000000-0000-4000-8000-000000000001" };
  for (const tellOne of world.serving.driver.objects)
    tellOne({ name: "networkEventLifecycle", net, event: 2, detail: 0 });
  await world.rest();
  assert.deepEqual(heard, ["gap", "default started"]);
});
