import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { suite, test } from "node:test";
import { DeadlineError, Deferred } from "../../../src/event/index.ts";
import { LibxlError, ProcessEndedError } from "../../../src/libxl/index.ts";
import { Bench, BenchWorld, uuid, xml } from "./bench.ts";

const never = new Deferred<void>().promise;

/** The daemon is gone as by kill -9: what it waits for does not come, and the next one is there. */
async function killed({ guests, world }: Bench): Promise<Bench> {
  world.xen.isDeaf = true;
  void guests.close();
  world.xen.news.clear();
  world.gates.clear();
  const next = new Bench(world);
  await next.done(next.operations.saves.load());
  return next.loaded();
}

/** Files take as long as the disk does. */
async function until(bench: Bench, is: () => boolean): Promise<void> {
  for (let rounds = 0; rounds < 50_000 && !is(); rounds++) await bench.settle();
  assert.ok(is(), `still waiting; so far: ${bench.log.join(", ")}`);
}

async function saved(world = new BenchWorld()): Promise<Bench> {
  const bench = await new Bench(world).loaded();
  await bench.running();
  await bench.done(bench.operations.saves.saveManaged(bench.domain, {}));
  bench.log.length = 0;
  return bench;
}

/** The daemon has begun to let the guest go on from its image, and hears no more of it. */
async function lettingGo(world: BenchWorld): Promise<Bench> {
  const bench = await saved(world);
  world.gates.set("unpause", never);
  bench.operations.start(bench.domain, {}, {}).catch(() => {});
  await until(bench, () => bench.xen.calls.at(-1) === "unpause");
  return bench;
}

function imageOf({ directory }: BenchWorld): string {
  return `${directory}/${uuid}.save`;
}

suite("the managed image of a guest", () => {
  test("is gone before the guest goes on", async () => {
    const world = new BenchWorld();
    const bench = await saved(world);
    const gate = new Deferred();
    world.gates.set("unpause", gate.promise);
    const started = bench.operations.start(bench.domain, {}, {});
    await until(bench, () => bench.xen.calls.at(-1) === "unpause");
    assert.equal(bench.xen.calls.at(-1), "unpause");
    assert.ok(!existsSync(imageOf(world)));
    gate.resolve();
    await bench.done(started);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("stays when the guest cannot be restored", async () => {
    const world = new BenchWorld();
    const bench = await saved(world);
    bench.xen.failures.set(`restore ${uuid}.save true`, new LibxlError(-3, "restore"));
    assert.match(await bench.refused(bench.operations.start(bench.domain, {}, {})), /failed to restore domain/);
    assert.ok(existsSync(imageOf(world)) && bench.operations.saves.hasManaged(bench.domain));
    await bench.done(bench.operations.start(bench.domain, {}, {}));
    assert.deepEqual(bench.log, ["started restored 2"]);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("stays when restoring takes too long, or the driver closes: no half of a guest is taken for one", async () => {
    for (const isClosing of [false, true]) {
      const world = new BenchWorld();
      const bench = await saved(world);
      if (isClosing) world.gates.set("the answer to restore", never);
      else {
        const late = new LibxlError(-22, "restore", { cause: new DeadlineError("restore had not ended after 1 ms") });
        const answer = Promise.reject(late);
        answer.catch(() => {});
        world.gates.set("the answer to restore", answer);
      }
      const started = bench.refused(bench.operations.start(bench.domain, {}, {}));
      if (isClosing) {
        await until(bench, () => world.xen.ids.length > 0);
        await bench.done(bench.guests.close());
        assert.match(await started, /failed to restore domain .*: ABORTED: .*the Xen driver was closed/);
      } else {
        assert.match(await started, /failed to restore domain .*: ABORTED: restore had not ended after 1 ms/);
        assert.deepEqual(bench.listed, ["Domain-0", "hello"]);
        assert.equal(bench.status, "shutoff 5");
      }
      assert.ok(existsSync(imageOf(world)));
      assert.deepEqual([bench.log, world.xen.ids], [[], []]);
      world.remove();
    }
  });

  test("is gone with the daemon that was letting the guest go on, and the guest goes on with the next", async () => {
    const world = new BenchWorld();
    const bench = await lettingGo(world);
    const next = await killed(bench);
    await until(next, () => next.log.length > 0);
    assert.deepEqual(next.log, ["started restored 2"]);
    assert.equal(next.status, "running 3 as 2");
    assert.equal(next.xen.list.get(2)?.info.paused, false);
    await next.done(next.operations.destroy(next.domain, {}));
    next.checkQuiet();
  });

  test("is removed by the next daemon when the one before had not come to that", async () => {
    const world = new BenchWorld();
    const bench = await lettingGo(world);
    writeFileSync(imageOf(world), "as it was");
    const next = await killed(bench);
    await until(next, () => next.log.length > 0);
    assert.deepEqual(next.log, ["started restored 2"]);
    assert.ok(!existsSync(imageOf(world)) && !next.operations.saves.hasManaged(next.domain));
    await next.done(next.operations.destroy(next.domain, {}));
    next.checkQuiet();
  });

  test("stays when the daemon has gone while the domain was being restored", async () => {
    const world = new BenchWorld();
    const bench = await saved(world);
    world.gates.set("the answer to restore", never);
    bench.operations.start(bench.domain, {}, {}).catch(() => {});
    await until(bench, () => world.xen.ids.length > 0);
    const next = await killed(bench);
    await next.settle();
    assert.deepEqual(world.xen.ids, []);
    assert.deepEqual(next.log, []);
    assert.ok(next.operations.saves.hasManaged(next.domain));
    await next.done(next.operations.start(next.domain, {}, {}));
    assert.deepEqual(next.log, ["started restored 3"]);
    await next.done(next.operations.destroy(next.domain, {}));
    next.checkQuiet();
  });

  test("of a guest that runs is an old one: no start finds it", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    await bench.running();
    writeFileSync(imageOf(world), "older than the guest's disks");
    const next = await killed(bench);
    await until(next, () => !existsSync(imageOf(world)));
    await next.done(next.operations.destroy(next.domain, {}));
    await next.done(next.operations.start(next.domain, {}, {}));
    assert.deepEqual(next.log, ["stopped destroyed 1", "started booted 2"]);
    await next.done(next.operations.destroy(next.domain, {}));
    next.checkQuiet();
  });

  test("is taken up by a guest that has another name by now, and keeps it", async () => {
    const bench = await saved();
    await bench.done(bench.operations.rename(bench.domain, "renamed", {}));
    await bench.done(bench.operations.start(bench.domain, {}, {}));
    assert.equal(bench.domain.definition?.name, "renamed");
    assert.equal(bench.xen.list.get(2)?.config.c_info?.name, "renamed");
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("is not made of a guest that is forgotten when it ends, nor of one that has become so meanwhile", async () => {
    const bench = await new Bench().loaded();
    const domain = await bench.running();
    const [undefine, save] = [
      bench.operations.undefine(domain, {}),
      bench.refused(bench.operations.saves.saveManaged(domain, {})),
    ];
    await bench.done(undefine);
    assert.match(await bench.done(save), /cannot do managed save for transient domain/);
    await bench.done(bench.operations.destroy(domain, {}));
    bench.checkQuiet();
  });

  test("that cannot be put into its place is none, and the guest goes on", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    await bench.running();
    mkdirSync(imageOf(world));
    const message = await bench.refused(bench.operations.saves.saveManaged(bench.domain, {}));
    assert.match(message, /cannot write domain image/);
    assert.ok(!existsSync(`${imageOf(world)}.new`) && !bench.operations.saves.hasManaged(bench.domain));
    assert.deepEqual([bench.status, bench.log], ["running 1 as 1", []]);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("is where the guest goes on, too, when it is created again instead of started", async () => {
    const bench = await saved();
    await bench.done(bench.operations.create(xml(), false, {}));
    assert.deepEqual(bench.log, ["started restored 2"]);
    assert.ok(!bench.operations.saves.hasManaged(bench.domain));
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("is gone when the guest has been restored from another file", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    const path = `${world.directory}/image`;
    await bench.running();
    await bench.done(bench.operations.saves.save(bench.domain, path, {}));
    await bench.done(bench.operations.start(bench.domain, {}, {}));
    await bench.done(bench.operations.saves.saveManaged(bench.domain, {}));
    await bench.done(bench.operations.saves.restore(path, undefined, false, {}));
    assert.ok(!existsSync(imageOf(world)) && !bench.operations.saves.hasManaged(bench.domain));
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("is complete though the daemon that was saving has gone: the guest is told as saved", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    await bench.running();
    world.gates.set("destroy", never);
    bench.operations.saves.saveManaged(bench.domain, {}).catch(() => {});
    await until(bench, () => bench.xen.calls.at(-1) === "destroy");
    // Before that end was written down.
    const record = world.records.get(uuid) ?? assert.fail();
    world.records.set(uuid, { ...record, ending: undefined });
    const next = await killed(bench);
    await until(next, () => next.log.length > 0);
    assert.deepEqual(next.log, ["stopped saved 1"]);
    assert.ok(next.operations.saves.hasManaged(next.domain));
    await next.done(next.operations.start(next.domain, {}, {}));
    assert.equal(next.log.at(-1), "started restored 2");
    await next.done(next.operations.destroy(next.domain, {}));
    next.checkQuiet();
  });
});

suite("a guest that is let go", () => {
  for (const how of ["had not done it", "had done it"]) {
    test(`runs when the process that was to do it ${how} when it ended`, async () => {
      const bench = await new Bench().loaded();
      const ended = new ProcessEndedError("killed");
      if (how === "had not done it") bench.xen.failures.set("unpause", ended);
      else {
        const answer = Promise.reject(ended);
        answer.catch(() => {});
        bench.world.gates.set("the answer to unpause", answer);
      }
      await bench.done(bench.operations.create(xml(), false, {}));
      assert.equal(bench.xen.list.get(1)?.info.paused, false);
      assert.deepEqual(bench.log, ["started booted 1"]);
      await bench.done(bench.operations.destroy(bench.domain, {}));
      bench.checkQuiet();
    });
  }
});
