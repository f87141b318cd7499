import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Taps } from "../../../../src/driver/network/taps.ts";
import { GuestContext, partsOf } from "../../../../src/driver/qemu/command-line/index.ts";
import { addParts } from "../../../../src/driver/qemu/device/parts-on-monitor.ts";
import { Definition } from "../../../../src/model/index.ts";
import { FakeMachine } from "../../network/fake-machine.ts";
import { Bench, uuid } from "../bench.ts";

const definition = Definition.parse(
  `<domain type='qemu'><name>hello</name><uuid>${uuid}</uuid><memory>1024</memory><os><type>hvm</type></os>
   <devices><interface type='bridge'><source bridge='virbr0'/><model type='virtio'/><alias name='net3'/></interface>
   </devices></domain>`,
);

describe("an interface that joins a running guest", () => {
  const machine = new FakeMachine();
  machine.links.set("virbr0", "");
  const taps = new Taps(machine);
  const context = new GuestContext(definition, { directory: "/run", stateDirectory: "/state", nowMs: 0 });
  const parts = context.all("interface").flatMap((each) => partsOf(each, context));
  const said: string[] = [];
  let failing = "";
  const run = {
    execute: async (command: string, args = {}, _?: number, { fds = [] }: { fds?: readonly number[] } = {}) => {
      const opened = fds.map((fd) => machine.queues.get(fd)?.name);
      said.push([command, JSON.stringify(args), ...opened].join(" "));
      if (command === failing) throw new Error("QEMU refuses");
    },
  };

  it("has its tap device sent to QEMU, under the name that its backend asks for", async () => {
    const targets = await addParts(run, parts, 1000, taps);
    assert.equal(targets.get("net3"), "vnet0");
    assert.equal(said[0], 'getfd {"fdname":"net3-0"} vnet0');
    assert.match(said[1] ?? "", /^netdev_add .*"fd":"net3-0"/);
    assert.match(said[2] ?? "", /^device_add /);
    assert.equal(machine.queues.size, 0, "what is open is QEMU's alone");
  });

  it("leaves nothing when QEMU refuses it", async () => {
    said.length = 0;
    failing = "device_add";
    await assert.rejects(addParts(run, parts, 1000, taps), /QEMU refuses/);
    const words = said.map((each) => each.split(" ")[0]);
    assert.deepEqual(words, ["getfd", "netdev_add", "device_add", "netdev_del", "closefd"]);
    assert.equal(machine.queues.size, 0);
  });
});

describe("what is open for a launch", () => {
  it("is closed once, whether QEMU begins or not", async () => {
    const bench = new Bench();
    const domain = await bench.defined();
    let released = 0;
    const plan = bench.options.plan;
    Object.assign(bench.options, {
      plan: async (each: Definition) => ({ ...(await plan(each)), fds: [9], release: () => released++ }),
    });
    bench.host.failure = new Error("no memory");
    await assert.rejects(bench.done(bench.operations.start(domain, {}, {})), /no memory/);
    assert.equal(released, 1);
    bench.host.failure = undefined;
    await bench.done(bench.operations.start(domain, {}, {}));
    assert.equal(released, 2);
    assert.deepEqual(bench.host.last.plan?.fds, [9]);
    bench.operations.guests.runOf(domain)?.destroy(false);
    await bench.hand.settle();
    bench.checkQuiet();
  });
});
