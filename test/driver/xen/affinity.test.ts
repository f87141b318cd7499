import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Bench, uuid, xml } from "./bench.ts";

const pinned = "<cputune><vcpupin vcpu='1' cpuset='2'/></cputune>";

suite("the host's CPUs that a guest of Xen runs on", () => {
  test("are all of them for a vcpu below one that is pinned", async () => {
    const bench = await new Bench().loaded();
    await bench.running(pinned);
    assert.deepEqual(bench.xen.list.get(1)?.config.b_info?.vcpu_hard_affinity, [[0, 1, 2, 3], [2]]);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("are the domain's for a vcpu that is not pinned", async () => {
    const bench = await new Bench().loaded();
    const definition = xml(pinned).replace("<vcpu>", "<vcpu cpuset='0-1'>");
    await bench.done(bench.operations.create(definition, false, {}));
    assert.deepEqual(bench.xen.list.get(1)?.config.b_info?.vcpu_hard_affinity, [[0, 1], [2]]);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("are shown of a domain of another's making where they are not all", async () => {
    const bench = await new Bench().loaded();
    const domid = bench.xen.make("hello", uuid);
    const made = bench.xen.list.get(domid);
    // More than the host has: libxl sets whole bytes.
    const affinity = [[0, 1, 2, 3, 4, 5, 6, 7], [2]];
    const build = { ...made?.config.b_info, max_vcpus: 2, vcpu_hard_affinity: affinity };
    if (made !== undefined) made.config = { ...made.config, b_info: build };
    await bench.done(bench.guests.reconcile());
    const pins = bench.domain.definition?.root.first("cputune")?.all("vcpupin") ?? [];
    assert.deepEqual(
      pins.map((pin) => [pin.attribute("vcpu"), pin.attribute("cpuset")]),
      [["1", "2"]],
    );
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });
});
