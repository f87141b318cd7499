import assert from "node:assert/strict";
import { test } from "node:test";
import { localContext } from "../../../src/driver/local-context.ts";
import type { DeviceInTransit } from "../../../src/driver/qemu/device-transit.ts";
import { deviceProcedures } from "../../../src/driver/qemu/procedures/devices.ts";
import { Definition } from "../../../src/model/index.ts";
import { Bench, uuid, xml } from "./bench.ts";
import { FakeGuest } from "./fake-host.ts";

const rng = "<rng model='virtio'><backend model='random'>/dev/urandom</backend><alias name='rng0'/></rng>";

/** A run that a daemon has left, whose QEMU has these devices, after it was taken up by the next. */
async function takenUp(
  devices: string,
  present: readonly string[],
  transit?: readonly DeviceInTransit[],
): Promise<{ bench: Bench; commands: string[] }> {
  const bench = new Bench();
  const guest = new FakeGuest(bench.hand.loop, 4711, true);
  const { onCommand } = guest.transport;
  guest.transport.onCommand = (command) => {
    const answer = present.map((name) => ({ name, type: "child<device>" }));
    if (command.execute === "qom-list") bench.hand.loop.post(() => guest.transport.reply(answer, command.id));
    else onCommand(command);
  };
  bench.host.survivors.set(4711, guest);
  bench.records.set(uuid, {
    id: 7,
    process: { pid: 4711, startTime: 1 },
    status: { state: 1, reason: 1 },
    definition: Definition.parse(xml().replace("</domain>", `<devices>${devices}</devices></domain>`)),
    transit,
  });
  await bench.done(bench.guests.load());
  assert.deepEqual(bench.reported, []);
  assert.equal(bench.records.get(uuid)?.transit, undefined, "nothing is under way any more");
  const commands = guest.transport.commands.map(
    ({ execute, arguments: args }) => `${execute} ${JSON.stringify(args["id"])}`,
  );
  return { bench, commands };
}

const hasDevice = (bench: Bench): boolean => bench.records.get(uuid)?.definition.toXml().includes("rng0") === true;

test("what is plugged in is written down before QEMU hears of it, and is not under way when it is there", async () => {
  const bench = new Bench();
  const domain = await bench.running();
  const { transport } = bench.host.last;
  const { onCommand } = transport;
  const seen: string[] = [];
  transport.onCommand = (command) => {
    const { transit = [], definition } = bench.records.get(uuid) ?? assert.fail("no record");
    seen.push(
      `${command.execute}: ${transit.map(({ direction }) => direction).join()} ${definition.toXml().includes("rng0")}`,
    );
    onCommand(command);
  };
  const { domainAttachDevice } = deviceProcedures(bench.guests, bench.operations.removals);
  assert.ok(domainAttachDevice);
  const device = rng.replace("<alias name='rng0'/>", "");
  await bench.done(Promise.resolve(domainAttachDevice({ dom: domain.reference, xml: device }, localContext())));
  assert.deepEqual(seen, ["object-add: in false", "device_add: in false"]);
  assert.deepEqual([bench.records.get(uuid)?.transit, hasDevice(bench)], [undefined, true]);
});

test("a channel that is plugged in and says no place for its socket gets one beside the others", async () => {
  const bench = new Bench();
  const domain = await bench.running();
  const { domainAttachDevice } = deviceProcedures(bench.guests, bench.operations.removals);
  assert.ok(domainAttachDevice);
  const channel = "<channel type='unix'><target type='virtio' name='org.example'/></channel>";
  await bench.done(Promise.resolve(domainAttachDevice({ dom: domain.reference, xml: channel }, localContext())));
  const backend = bench.host.last.transport.commands.find(({ execute }) => execute === "chardev-add");
  assert.match(JSON.stringify(backend?.arguments), /"path":"\/run\/04c6774c[^"]*\.channels\/org\.example"/);
  assert.match(domain.definition?.toXml() ?? "", /<source mode='bind' path='[^']*\.channels\/org\.example'\/>/);
});

test("what QEMU refuses is not under way any more", async () => {
  const bench = new Bench();
  const domain = await bench.running();
  const { transport } = bench.host.last;
  transport.onCommand = ({ execute, id }) => {
    bench.hand.loop.post(() => {
      if (execute === "device_add") transport.refuse("no more room", id);
      else transport.reply({}, id);
    });
  };
  const { domainAttachDevice } = deviceProcedures(bench.guests, bench.operations.removals);
  assert.ok(domainAttachDevice);
  const device = rng.replace("<alias name='rng0'/>", "");
  const outcome = bench.watch(
    Promise.resolve(domainAttachDevice({ dom: domain.reference, xml: device }, localContext())),
  );
  await bench.hand.settle();
  assert.match(outcome.result ?? "", /no more room/);
  assert.deepEqual([bench.records.get(uuid)?.transit, hasDevice(bench)], [undefined, false]);
});

test("a device that was on its way in is there when QEMU has it, and that is told", async () => {
  const { bench } = await takenUp("", ["rng0"], [{ direction: "in", xml: rng }]);
  assert.deepEqual([hasDevice(bench), bench.log], [true, ["deviceAdded"]]);
});

test("one that QEMU has not is not there, and what was made for it goes", async () => {
  const { bench, commands } = await takenUp("", [], [{ direction: "in", xml: rng }]);
  assert.deepEqual([hasDevice(bench), bench.log], [false, []]);
  assert.ok(commands.includes('object-del "objrng0"'), commands.join());
});

test("of one that was on its way out the rest goes, and nobody is told twice", async () => {
  const { bench, commands } = await takenUp("", [], [{ direction: "out", xml: rng }]);
  assert.deepEqual([hasDevice(bench), bench.log], [false, []]);
  assert.ok(commands.includes('object-del "objrng0"'), commands.join());
});

test("one whose leaving was written down, and not yet the definition without it, goes, and that is told", async () => {
  const disk =
    "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/sdy.img'/><target dev='vdy' bus='virtio'/>" +
    "<alias name='virtio-disk24'/></disk>";
  const { bench } = await takenUp(disk, [], [{ direction: "out", xml: disk }]);
  assert.equal(bench.records.get(uuid)?.definition.toXml().includes("virtio-disk24"), false);
  assert.deepEqual(bench.log, ["deviceRemoved"]);
});

test("a device that has left QEMU while nobody listened leaves the definition, and that is told", async () => {
  const { bench, commands } = await takenUp(rng, ["rng1"]);
  assert.deepEqual([hasDevice(bench), bench.log], [false, ["deviceRemoved"]]);
  assert.ok(commands.includes('object-del "objrng0"'), commands.join());
});

test("a device that QEMU still has stays, and nothing is told", async () => {
  const { bench, commands } = await takenUp(rng, ["rng0"]);
  assert.deepEqual([hasDevice(bench), bench.log], [true, []]);
  assert.ok(!commands.some((each) => each.startsWith("object-del")));
});
