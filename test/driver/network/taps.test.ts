import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Taps } from "../../../src/driver/network/taps.ts";
import { SystemError } from "../../../src/os/index.ts";
import { FakeMachine } from "./fake-machine.ts";

const mac = "52:54:00:AA:00:01";

function bench(): { machine: FakeMachine; taps: Taps } {
  const machine = new FakeMachine();
  machine.links.set("virbr0", "52:54:00:00:00:00");
  return { machine, taps: new Taps(machine) };
}

describe("a tap device", () => {
  it("is made, set up and plugged in", async () => {
    const { machine, taps } = bench();
    const tap = await taps.open({ bridge: "virbr0", mac, mtu: 9000, hasHeader: true });
    assert.equal(tap.name, "vnet0");
    assert.deepEqual(
      machine.commands.map((words) => words.slice(3).join(" ")),
      ["dev vnet0 address fe:54:00:aa:00:01 mtu 9000", "dev vnet0 master virbr0", "dev vnet0 up"],
    );
    const queue = { name: "vnet0", isNew: true, hasHeader: true, isMultiQueue: false };
    assert.deepEqual([...machine.queues.values()], [queue]);
  });

  it("is gone when it is closed, and its name is not at once another's", async () => {
    const { machine, taps } = bench();
    const tap = await taps.open({ bridge: "virbr0", mac });
    tap.close();
    tap.close();
    assert.equal(machine.links.has("vnet0"), false);
    assert.equal((await taps.open({ bridge: "virbr0", mac })).name, "vnet1");
  });

  it("is made once, whatever number of queues it has", async () => {
    const { machine, taps } = bench();
    const tap = await taps.open({ bridge: "virbr0", mac, queues: 3 });
    assert.equal(tap.fds.length, 3);
    assert.deepEqual(
      [...machine.queues.values()].map(({ isNew, isMultiQueue }) => [isNew, isMultiQueue]),
      [
        [true, true],
        [false, true],
        [false, true],
      ],
    );
  });

  it("gets the next name when another daemon was quicker", async () => {
    const { machine, taps } = bench();
    const openTap = machine.openTap.bind(machine);
    let isFirst = true;
    machine.openTap = (name, options) => {
      if (isFirst) machine.links.set(name, "");
      isFirst = false;
      return openTap(name, options);
    };
    assert.equal((await taps.open({ bridge: "virbr0", mac })).name, "vnet1");
  });

  it("is gone when it cannot be plugged in", async () => {
    const { machine, taps } = bench();
    machine.failing = "master";
    await assert.rejects(taps.open({ bridge: "virbr0", mac }), /ip fails/);
    await assert.rejects(taps.open({ bridge: "br7", mac }), {
      message: "Cannot get interface MTU on 'br7': No such device",
      code: 38,
    });
    assert.equal(machine.queues.size, 0);
    assert.deepEqual([...machine.links.keys()], ["lo", "virbr0"]);
  });

  it("of a name of its own is refused when somebody has that", async () => {
    const { machine, taps } = bench();
    assert.equal((await taps.open({ bridge: undefined, mac, name: "mine" })).name, "mine");
    await assert.rejects(taps.open({ bridge: undefined, mac, name: "mine" }), {
      message: "Unable to create tap device mine: Device or resource busy",
    });
    assert.equal(machine.queues.size, 1);
  });

  it("that somebody else has made is taken as it is, if it is there", async () => {
    const { machine, taps } = bench();
    const request = { bridge: undefined, mac, name: "theirs", isManaged: false };
    await assert.rejects(taps.open(request), { message: /target managed='no' but specified dev doesn't exist/ });
    machine.links.set("theirs", "");
    assert.equal((await taps.open(request)).name, "theirs");
    assert.deepEqual(machine.commands, []);
  });

  it("is refused in libvirt's words where the kernel makes none for us", async () => {
    const { machine, taps } = bench();
    machine.tapFailure = new SystemError(1, "ioctl", "vnet0");
    await assert.rejects(taps.open({ bridge: "virbr0", mac }), {
      message: "Unable to create tap device vnet0: Operation not permitted",
      code: 38,
    });
    machine.tapFailure = Object.assign(new Error("no"), { code: "EACCES", errno: -13 });
    await assert.rejects(taps.open({ bridge: "virbr0", mac }), {
      message: "Unable to open /dev/net/tun, is tun module loaded?: Permission denied",
    });
  });
});
