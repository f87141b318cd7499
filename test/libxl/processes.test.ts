import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { DeadlineError, StateError } from "../../src/event/index.ts";
import { ConfigError, LibxlError } from "../../src/libxl/index.ts";
import { ProcessEndedError } from "../../src/libxl/process/context-client.ts";
import { ProcessWorld } from "./fake-xen.ts";

/** Lets everything go on until a promise has settled. */
async function settled<T>(world: ProcessWorld, promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  for (let turn = 0; turn < 8; turn++) await world.hand.settle();
  return Promise.race([promise, Promise.reject(new Error("it has not settled"))]);
}

async function refusal(world: ProcessWorld, promise: Promise<unknown>): Promise<unknown> {
  return settled(
    world,
    promise.then(
      (value) => assert.fail(`not refused: ${String(value)}`),
      (error: unknown) => error,
    ),
  );
}

suite("libxl in processes of its own", () => {
  test("answers across them, with numbers that JSON would round", async () => {
    const world = new ProcessWorld();
    world.xen.add("one");
    const [domain] = await settled(world, world.processes.domains());
    assert.deepEqual([domain?.uuid, domain?.currentMemoryKib], ["one", 2n ** 60n + 1n]);
    assert.equal(await settled(world, world.processes.domain(99)), undefined);
    assert.equal(await settled(world, world.processes.consolePath(1)), "/dev/pts/0");
  });

  test("asks the guest to end in the process that observes, by Xen's own way and by the power button", async () => {
    const world = new ProcessWorld();
    const domid = world.xen.add("one");
    await settled(world, world.processes.shutdown(domid));
    await settled(world, world.processes.pressPowerButton(domid));
    assert.equal(world.alive("operations").length, 0);
  });

  test("throws what the context did, as what it was", async () => {
    const world = new ProcessWorld();
    const failed = (await refusal(world, world.processes.create({ c_info: { name: "bad" } }))) as LibxlError;
    assert.ok(failed instanceof LibxlError);
    assert.deepEqual([failed.code, failed.call, failed.domid], ["FAIL", "libxl create", 77]);
    const wrong = { c_info: { nmae: "a" } } as object;
    assert.ok((await refusal(world, world.processes.create(wrong))) instanceof ConfigError);
    assert.ok(
      (await refusal(
        world,
        world.processes.watchDomain(99, () => {}),
      )) instanceof StateError,
    );
  });

  test("builds as many domains at once as there are processes, and looks meanwhile", async () => {
    const world = new ProcessWorld(2);
    world.xen.holds = true;
    const created = [1, 2, 3].map(() => world.processes.create({}));
    await world.hand.settle();
    assert.deepEqual([world.xen.held.length, world.alive("operations").length], [2, 2]);
    assert.equal((await settled(world, world.processes.domains())).length, 2);
    world.xen.held.shift()?.();
    await settled(world, Promise.race(created));
    assert.deepEqual([world.xen.held.length, world.alive("operations").length], [2, 2]);
    for (const finish of world.xen.held) finish();
    assert.deepEqual(await settled(world, Promise.all(created)), [1, 2, 3]);
  });

  test("one that waits for a process can be given up", async () => {
    const world = new ProcessWorld(1);
    world.xen.holds = true;
    const first = world.processes.create({});
    const controller = new AbortController();
    const second = world.processes.create({}, { signal: controller.signal });
    await world.hand.settle();
    controller.abort(new Error("no longer"));
    assert.match(String(await refusal(world, second)), /no longer/);
    world.xen.held[0]?.();
    await settled(world, first);
    assert.equal(world.xen.domains.size, 1);
  });

  test("asks libxl to cut short what is aborted over here", async () => {
    const world = new ProcessWorld();
    world.xen.holds = true;
    const domid = world.xen.add("guest");
    const controller = new AbortController();
    const dumped = world.processes.dump(domid, "/dump", { signal: controller.signal });
    await world.hand.settle();
    controller.abort(new Error("enough"));
    const error = (await refusal(world, dumped)) as LibxlError;
    assert.deepEqual([error.code, (error.cause as Error).message], ["ABORTED", "enough"]);
  });

  test("destroys what a process had half built when it ended, and nothing else", async () => {
    const world = new ProcessWorld(1);
    world.xen.add("bystander");
    world.xen.holds = true;
    const created = world.processes.create({ c_info: { name: "half" } });
    await world.hand.settle();
    assert.equal(world.xen.domains.size, 2);
    world.crash(world.alive("operations")[0]);
    assert.ok((await refusal(world, created)) instanceof ProcessEndedError);
    assert.deepEqual(
      [...world.xen.domains.values()].map(({ uuid }) => uuid),
      ["bystander"],
    );
    world.xen.holds = false;
    assert.equal(await settled(world, world.processes.create({})), 3);
  });

  test("destroys what was half built when it was aborted, as libxl leaves it, and says that it took too long", async () => {
    const world = new ProcessWorld();
    world.xen.holds = true;
    const created = world.processes.create({}, { timeoutMs: 1_000 });
    const failed = created.then(String, (reason: unknown) => reason);
    await world.hand.settle();
    assert.equal(world.xen.domains.size, 1);
    await world.hand.pass(1_500, 500);
    const error = await failed;
    assert.ok(error instanceof LibxlError && error.cause instanceof DeadlineError);
    assert.match(error.cause.message, /create had not ended after 1000 ms/);
    assert.equal(world.xen.domains.size, 0);
  });

  test("ends a process in which libxl does not even end what it was asked to cut short", async () => {
    const world = new ProcessWorld();
    world.xen.holds = true;
    world.xen.isStuck = true;
    const failed = world.processes.create({}, { timeoutMs: 1_000 }).then(String, (reason: unknown) => reason);
    await world.hand.pass(62_000, 500);
    assert.ok((await failed) instanceof ProcessEndedError);
    assert.deepEqual([world.launched[1]?.killed, world.xen.domains.size], [true, 0]);
  });

  test("destroys, plugs and builds while as much memory is written as may be at once", async () => {
    const world = new ProcessWorld(2);
    const domid = world.xen.add("guest");
    world.xen.holds = true;
    const saves = [1, 2].map(() => world.processes.dump(domid, "/dump", { timeoutMs: 3_600_000 }));
    await world.hand.settle();
    const third = world.processes.dump(domid, "/dump");
    await settled(world, world.processes.destroy(domid));
    world.xen.holds = false;
    assert.equal(await settled(world, world.processes.create({})), 2);
    assert.equal(world.xen.held.length, 2, "and the third waits");
    for (const finish of world.xen.held) finish();
    await settled(world, Promise.all([...saves, third]));
  });

  test("one that waits for a process is told when there is none for ten minutes", async () => {
    const world = new ProcessWorld(1);
    world.xen.holds = true;
    const saved = world.processes.dump(world.xen.add("guest"), "/dump", { timeoutMs: 3_600_000 });
    const failed = world.processes.dump(1, "/dump").then(String, (reason: unknown) => reason);
    await world.hand.pass(601_000, 1_000);
    const error = await failed;
    assert.ok(error instanceof DeadlineError);
    assert.match(error.message, /no process of libxl's has been free for 600 s/);
    world.xen.held[0]?.();
    await settled(world, saved);
    world.xen.holds = false;
    await settled(world, world.processes.dump(1, "/dump"));
  });

  test("a process that gets no context is killed, and who waits for it is told", async () => {
    const world = new ProcessWorld();
    await settled(world, world.processes.domains());
    world.isMute = true;
    const failed = world.processes.create({}).then(String, (reason: unknown) => reason);
    await world.hand.pass(121_000, 500);
    assert.ok((await failed) instanceof ProcessEndedError);
    assert.equal(world.launched[1]?.killed, true);
  });

  test("one that ended with nothing to do, unnoticed, is not asked: another is started", async () => {
    const world = new ProcessWorld(1);
    await settled(world, world.processes.create({}));
    world.crash(world.alive("operations")[0]);
    assert.equal(await settled(world, world.processes.create({})), 2);
    assert.deepEqual([world.xen.domains.size, world.launched.length], [2, 3]);
  });

  test("the observer builds nothing, and is not asked to", async () => {
    const world = new ProcessWorld();
    await settled(world, world.processes.create({}));
    assert.deepEqual(
      world.launched.map(({ role }) => role),
      ["observer", "operations"],
    );
  });

  test("a process that does not answer is killed, and its calls fail", async () => {
    const world = new ProcessWorld();
    await settled(world, world.processes.domains());
    world.deaf = true;
    const creating = refusal(world, world.processes.create({}, { timeoutMs: 1_000 }).then(String));
    creating.catch(() => {});
    await world.hand.settle();
    await world.hand.pass(91_500, 500);
    assert.equal(world.launched.find(({ role }) => role === "operations")?.killed, true);
  });

  test("a process ends what it had begun when we go, and then itself", async () => {
    const world = new ProcessWorld();
    world.xen.holds = true;
    const created = world.processes.create({});
    created.catch(() => {});
    await world.hand.settle();
    await settled(world, world.processes.close());
    assert.deepEqual([world.alive("observer").length, world.alive("operations").length], [0, 1]);
    world.xen.held[0]?.();
    await settled(world, created);
    assert.equal(world.alive("operations").length, 0);
    assert.equal(world.hand.loop.size, 0);
  });

  test("so it does when we end without a word, and leaves no domain that nobody knows of", async () => {
    const world = new ProcessWorld();
    world.xen.holds = true;
    world.processes.create({}).catch(() => {});
    await world.hand.settle();
    const [builder = assert.fail()] = world.alive("operations");
    // So that nobody else takes the domain away.
    world.failsToStart = true;
    builder.leave();
    await world.hand.settle();
    assert.deepEqual([builder.ended, world.xen.domains.size], [false, 1]);
    world.xen.held[0]?.();
    await world.hand.settle();
    assert.equal(builder.ended, true);
    assert.equal(world.xen.domains.size, 0);
  });

  test("what only looks is asked of the next process when one ends with it; what changes something is not", async () => {
    const world = new ProcessWorld();
    const domid = world.xen.add("guest");
    await settled(world, world.processes.domains());
    const looked = world.processes.domains();
    const paused = refusal(world, world.processes.pause(domid));
    world.crash(world.alive("observer")[0]);
    assert.deepEqual(
      (await settled(world, looked)).map(({ uuid }) => uuid),
      ["guest"],
    );
    assert.ok((await paused) instanceof ProcessEndedError);
    assert.equal(world.alive("observer").length, 1);
  });

  test("how much memory a domain needs is looked up; that another is to give some away is asked once", async () => {
    const world = new ProcessWorld();
    assert.equal(await settled(world, world.processes.commandLine()), "dom0_mem=1G");
    const needed = world.processes.neededMemory({});
    const shifted = refusal(world, world.processes.shiftMemoryTarget(0, -1));
    world.crash(world.alive("observer")[0]);
    assert.equal(await settled(world, needed), 16_384n);
    assert.ok((await shifted) instanceof ProcessEndedError);
    assert.equal(await settled(world, world.processes.shiftMemoryTarget(0, -1_024)), 1_047_552n);
  });

  test("what libxl knows of a domain is looked up while all who build are at work", async () => {
    const world = new ProcessWorld(1);
    world.xen.holds = true;
    world.processes.create({}).catch(() => {});
    await world.hand.settle();
    world.xen.holds = false;
    await settled(world, world.processes.configuration(1));
    assert.equal(world.xen.held.length, 1);
    world.xen.held[0]?.();
  });

  test("nothing can be asked of it once it is closed", async () => {
    const world = new ProcessWorld();
    await settled(world, world.processes.close());
    assert.ok((await refusal(world, world.processes.domains())) instanceof StateError);
    assert.ok((await refusal(world, world.processes.create({}))) instanceof StateError);
  });
});

suite("a domain's events, across the end of the process that watches", () => {
  async function watching(world: ProcessWorld, domid: number): Promise<{ heard: string[]; remove: () => void }> {
    const heard: string[] = [];
    const subscription = await settled(
      world,
      world.processes.watchDomain(domid, ({ type }) => heard.push(type)),
    );
    return { heard, remove: () => subscription.remove() };
  }

  test("are told as they happen", async () => {
    const world = new ProcessWorld();
    const domid = world.xen.add("guest");
    const { heard } = await watching(world, domid);
    world.xen.stop(domid, "poweroff");
    world.xen.remove(domid);
    await world.hand.settle();
    assert.deepEqual(heard, ["shutdown", "death"]);
  });

  test("are told once, also when the new process hears of them again", async () => {
    const world = new ProcessWorld();
    const domid = world.xen.add("guest");
    const { heard } = await watching(world, domid);
    world.xen.stop(domid, "poweroff");
    await world.hand.settle();
    world.crash(world.alive("observer")[0]);
    await world.hand.settle();
    await settled(world, world.processes.domains());
    assert.deepEqual([heard, world.complaints.length], [["shutdown"], 1]);
    world.xen.remove(domid);
    await world.hand.settle();
    assert.deepEqual(heard, ["shutdown", "death"]);
  });

  test("are told when they happened while nobody watched", async () => {
    const world = new ProcessWorld();
    const [stopped, gone, replaced] = [world.xen.add("a"), world.xen.add("b"), world.xen.add("c")] as const;
    const off = world.xen.add("d");
    const watches = [await watching(world, stopped), await watching(world, gone), await watching(world, replaced)];
    const last = await watching(world, off);
    world.crash(world.alive("observer")[0]);
    world.xen.stop(stopped, "crash");
    world.xen.stop(off, "poweroff");
    world.xen.remove(gone);
    world.xen.remove(replaced);
    world.xen.add("another", replaced);
    await world.hand.settle();
    await settled(world, world.processes.domains());
    assert.deepEqual(
      watches.map(({ heard }) => heard),
      [["shutdown"], ["death"], ["death"]],
    );
    assert.deepEqual(last.heard, ["shutdown"], "libxl tells the first watch only");
    world.xen.remove(replaced);
    await world.hand.settle();
    assert.deepEqual(watches[2]?.heard, ["death"]);
  });

  test("are not told after the subscription was removed", async () => {
    const world = new ProcessWorld();
    const domid = world.xen.add("guest");
    const { heard, remove } = await watching(world, domid);
    world.xen.remove(domid);
    remove();
    remove();
    await world.hand.settle();
    assert.deepEqual([heard, world.xen.listening.size], [[], 0]);
  });

  test("are told when the process ends while the subscription is set up, and nothing of it is left", async () => {
    const world = new ProcessWorld();
    const domid = world.xen.add("guest");
    await settled(world, world.processes.domains());
    const heard: string[] = [];
    const subscribing = world.processes.watchDomain(domid, ({ type }) => heard.push(type));
    for (let turns = 0; turns < 50 && world.xen.listening.size === 0; turns++) {
      if (world.hand.host.takeReason()) world.hand.loop.runTurn();
      await new Promise(setImmediate);
    }
    world.crash(world.alive("observer")[0]);
    const subscription = await settled(world, subscribing);
    assert.equal(world.xen.listening.size, 1);
    world.xen.stop(domid, "poweroff");
    await world.hand.settle();
    assert.deepEqual(heard, ["shutdown"]);
    subscription.remove();
    await world.hand.settle();
    assert.equal(world.xen.listening.size, 0);
  });

  test("are waited for while no process can be started", async () => {
    const world = new ProcessWorld();
    await settled(world, world.processes.domains());
    world.failsToStart = true;
    world.crash(world.alive("observer")[0]);
    await world.hand.settle();
    world.failsToStart = false;
    const asked = world.processes.domains();
    await world.hand.pass(1_100, 100);
    assert.deepEqual(await asked, []);
    assert.deepEqual(world.complaints, ["the process with libxl's context has ended", "no memory"]);
  });
});
