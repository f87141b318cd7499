import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DomainReason } from "../../../src/protocol/index.ts";
import { Bench, uuid, xml } from "./bench.ts";

/** What Xen needs of it beside its 16 MiB. */
const neededKib = 17_408n;
const zeroKib = 1_048_576n;
const other = "14c6774c-a016-4ca7-8d75-9930f0bbbd69";

/** A machine on which domain 0 has all the memory, unless Xen is started otherwise. */
async function stock(startedWith = "placeholder console=vga"): Promise<Bench> {
  const bench = new Bench();
  bench.xen.startedWith = startedWith;
  bench.xen.freeKib = 0n;
  return bench.loaded();
}

function seen(bench: Bench, ...calls: string[]): number {
  return bench.xen.calls.filter((call) => calls.includes(call)).length;
}

/** Lets domain 0 give away, at each look, at most so much. */
async function pass(bench: Bench, milliseconds: number, mostKib?: bigint): Promise<void> {
  for (let left = milliseconds; left > 0; left -= 200) {
    if (mostKib !== 0n) bench.xen.balloon(0, mostKib);
    await bench.world.hand.pass(200);
  }
}

async function until(bench: Bench, is: () => boolean): Promise<void> {
  for (let rounds = 0; rounds < 5_000 && !is(); rounds++) await bench.settle();
  assert.ok(is(), "still waiting");
}

async function end(bench: Bench): Promise<void> {
  for (const domain of bench.guests.domains) {
    if (domain.id > 0) await bench.done(bench.operations.destroy(domain, {}));
  }
  bench.checkQuiet();
}

describe("The memory of domain 0", () => {
  test("goes to a guest that is built, as much as it needs", async () => {
    const bench = await stock();
    const created = bench.operations.create(xml(), false, {});
    await bench.settle();
    assert.equal(seen(bench, "create"), 0);
    // Nothing is being built that the next driver would have to look for.
    assert.equal(bench.records.size, 0);
    await pass(bench, 400);
    await bench.done(created);
    assert.equal(bench.status, "running 1 as 1");
    assert.equal(bench.xen.list.get(0)?.info.currentMemoryKib, zeroKib - neededKib);
    assert.equal(seen(bench, "shiftMemoryTarget"), 1);
    await end(bench);
  });

  test("is left alone when there is enough, or when Xen was started with its size", async () => {
    const enough = await stock();
    enough.xen.freeKib = neededKib;
    await enough.done(enough.operations.create(xml(), false, {}));
    assert.equal(seen(enough, "shiftMemoryTarget"), 0);
    await end(enough);
    for (const given of ["dom0_mem=512M", "noreboot dom0_mem=1G,max:2G loglvl=all", "dom0_mem=max:1G"]) {
      const bench = await stock(given);
      bench.xen.freeKib = 1_048_576n;
      await bench.done(bench.operations.create(xml(), false, {}));
      assert.equal(seen(bench, "shiftMemoryTarget", "neededMemory", "physical"), 0, given);
      await end(bench);
    }
  });

  test("is waited for as long as more of it comes", async () => {
    const bench = await stock();
    const created = bench.operations.create(xml(), false, {});
    await bench.settle();
    await pass(bench, 20_000, 100n);
    assert.equal(seen(bench, "create"), 0);
    await pass(bench, 20_000, 100n);
    await bench.done(created);
    assert.equal(seen(bench, "shiftMemoryTarget"), 1);
    await end(bench);
  });

  test("that does not come is refused after a while, with what is missing, and domain 0 keeps its target", async () => {
    const bench = await stock();
    const refused = bench.refused(bench.operations.create(xml(), false, {}));
    await bench.settle();
    await pass(bench, 1_000, 1_000n);
    await pass(bench, 12_000, 0n);
    const message = await refused;
    assert.match(message, /failed to get free memory for domain 'hello': 12408 KiB are missing/);
    assert.match(message, /virsh setmem Domain-0/);
    assert.equal(bench.xen.list.get(0)?.targetKib, zeroKib);
    assert.equal(seen(bench, "create"), 0);
    await end(bench);
  });

  test("is not asked for more than domain 0 needs itself", async () => {
    const bench = await stock();
    const large = xml().replace("<memory>16384", "<memory>1048576");
    const message = await bench.refused(bench.operations.create(large, false, {}));
    assert.match(message, /1049600 KiB are missing, which domain 0 does not give away/);
    assert.equal(bench.xen.list.get(0)?.targetKib, zeroKib);
    await end(bench);
  });

  test("is asked for again when others take what it has given, and not for ever", async () => {
    const bench = await stock();
    const refused = bench.refused(bench.operations.create(xml(), false, {}));
    await bench.settle();
    for (let takes = 0; takes < 3; takes++) {
      bench.xen.balloon(0);
      bench.xen.freeKib = 0n;
      await bench.world.hand.pass(11_000);
    }
    assert.match(await refused, /17408 KiB are missing/);
    assert.equal(seen(bench, "shiftMemoryTarget"), 4);
    assert.equal(bench.xen.list.get(0)?.targetKib, zeroKib);
    await end(bench);
  });

  test("is given to one guest after the other, so that no two count on the same", async () => {
    const bench = await stock();
    bench.xen.freeKib = neededKib;
    const second = xml().replace("hello", "second").replace(uuid, other);
    const both = [bench.operations.create(xml(), false, {}), bench.operations.create(second, false, {})];
    await bench.settle();
    await pass(bench, 1_000);
    await bench.done(Promise.all(both));
    assert.deepEqual(bench.xen.ids, [1, 2]);
    // What is left of the first's need is the second's.
    assert.equal(bench.xen.list.get(0)?.info.currentMemoryKib, zeroKib - neededKib + 1_024n);
    await end(bench);
  });

  test("is not waited for when the driver closes, by whoever is next in turn either", async () => {
    const bench = await stock();
    const second = xml().replace("hello", "second").replace(uuid, other);
    const both = [xml(), second].map((text) => bench.refused(bench.operations.create(text, false, {})));
    await bench.settle();
    await bench.done(bench.guests.close());
    for (const message of await Promise.all(both)) assert.match(message, /the Xen driver was closed/);
    assert.equal(bench.xen.list.get(0)?.targetKib, zeroKib);
    assert.equal(seen(bench, "create"), 0);
    bench.world.remove();
  });

  test("goes to a guest that is restored, too, whose image stays when there is none", async () => {
    const bench = await stock();
    bench.xen.freeKib = neededKib;
    await bench.running();
    await bench.done(bench.operations.saves.saveManaged(bench.domain, {}));
    assert.equal(bench.domain.status.reason, DomainReason.shutoff.saved);
    bench.xen.freeKib = 0n;
    const refused = bench.refused(bench.operations.start(bench.domain, {}, {}));
    await until(bench, () => seen(bench, "shiftMemoryTarget") === 1);
    await pass(bench, 11_000, 0n);
    assert.match(await refused, /17408 KiB are missing/);
    assert.equal(bench.operations.saves.hasManaged(bench.domain), true);
    const started = bench.operations.start(bench.domain, {}, {});
    await until(bench, () => seen(bench, "shiftMemoryTarget") === 3);
    await pass(bench, 400);
    await bench.done(started);
    assert.equal(bench.status, "running 3 as 2");
    await bench.done(bench.operations.destroy(bench.domain, {}));
    await bench.done(bench.operations.undefine(bench.domain, {}));
    bench.checkQuiet();
  });
});
