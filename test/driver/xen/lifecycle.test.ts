import assert from "node:assert/strict";
import { join } from "node:path";
import { suite, test } from "node:test";
import { pinningProcedures } from "../../../src/driver/xen/procedures/pinning.ts";
import { resourceProcedures } from "../../../src/driver/xen/procedures/resources.ts";
import type { RunRecord } from "../../../src/driver/xen/run-record.ts";
import { beginImage } from "../../../src/driver/xen/save-image.ts";
import { DeadlineError, Deferred } from "../../../src/event/index.ts";
import { LibxlError, ProcessEndedError } from "../../../src/libxl/index.ts";
import { ErrorCode, VirError } from "../../../src/protocol/index.ts";
import { Bench, BenchWorld, uuid, xml } from "./bench.ts";

suite("a guest of Xen", () => {
  test("is defined, runs, pauses and is destroyed, with libvirt's events", async () => {
    const bench = await new Bench().loaded();
    const { operations: ops } = bench;
    await bench.done(ops.define(xml(), {}));
    await bench.done(ops.start(bench.domain, {}, {}));
    assert.equal(bench.status, "running 1 as 1");
    await bench.done(ops.suspend(bench.domain, {}));
    await bench.done(ops.suspend(bench.domain, {}));
    assert.equal(bench.status, "paused 1 as 1");
    await bench.done(ops.resume(bench.domain, {}));
    assert.equal(bench.status, "running 5 as 1");
    await bench.done(ops.destroy(bench.domain, {}));
    assert.equal(bench.status, "shutoff 2");
    await bench.done(ops.undefine(bench.domain, {}));
    assert.deepEqual(bench.log, [
      "defined added",
      "started booted 1",
      "suspended paused 1",
      "resumed unpaused 1",
      "stopped destroyed 1",
      "undefined removed",
    ]);
    assert.deepEqual(bench.listed, ["Domain-0"]);
    bench.checkQuiet();
  });

  test("starts paused when it is to", async () => {
    const bench = await new Bench().loaded();
    await bench.done(bench.operations.create(xml(), true, {}));
    assert.equal(bench.status, "paused 1 as 1");
    assert.equal(bench.xen.list.get(1)?.info.paused, true);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    assert.deepEqual(bench.log, ["started booted 1", "stopped destroyed 1"]);
    bench.checkQuiet();
  });

  test("that powers off stops, and a transient one leaves the list", async () => {
    const bench = await new Bench().loaded();
    await bench.done(bench.operations.create(xml(), false, {}));
    await bench.done(bench.operations.shutdown(bench.domain, {}));
    assert.deepEqual(bench.log, ["started booted 1", "stopped shutdown 1"]);
    assert.deepEqual(bench.listed, ["Domain-0"]);
    bench.checkQuiet();
  });

  test("that reboots stops and starts with another number, and is never missed", async () => {
    const bench = await new Bench().loaded();
    await bench.done(bench.operations.create(xml(), false, {}));
    const gate = new Deferred();
    bench.world.gates.set("create", gate.promise);
    await bench.done(bench.operations.reboot(bench.domain, {}));
    assert.equal(bench.domain.id, 1);
    gate.resolve();
    await bench.settle();
    assert.deepEqual(bench.log, ["started booted 1", "stopped shutdown 1", "started booted 2"]);
    assert.equal(bench.status, "running 1 as 2");
    assert.equal(bench.world.records.get(uuid)?.since, 2, "the end of the run before is not its own");
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("has names of its own in each run, and what was defined meanwhile in the next", async () => {
    const bench = await new Bench().loaded();
    const devices = "<devices><interface type='bridge'><source bridge='b'/></interface></devices>";
    const nameOf = (): string | undefined =>
      bench.domain.definition?.root.find("devices", "interface", "target")?.attribute("dev");
    await bench.running(devices);
    assert.equal(nameOf(), "vif1.0");
    assert.equal(bench.domain.persistent?.root.find("devices", "interface", "target"), undefined);
    await bench.done(bench.operations.define(xml(`<title>next</title>${devices}`), {}));
    bench.xen.end(1, "reboot");
    await bench.settle();
    assert.equal(nameOf(), "vif2.0");
    assert.equal(bench.domain.definition?.textOf("title"), "next");
    assert.equal(bench.xen.list.get(2)?.config.nics?.[0]?.ifname, undefined);
    await bench.done(bench.operations.undefine(bench.domain, {}));
    bench.xen.end(2, "reboot");
    await bench.settle();
    assert.equal(nameOf(), "vif3.0");
    assert.equal(bench.xen.list.get(3)?.config.nics?.[0]?.ifname, undefined);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("that is destroyed while it reboots does not start again", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    const gate = new Deferred();
    bench.world.gates.set("create", gate.promise);
    await bench.done(bench.operations.reboot(bench.domain, {}));
    const destroyed = bench.operations.destroy(bench.domain, {});
    await bench.settle();
    gate.resolve();
    await bench.done(destroyed);
    assert.deepEqual(bench.log, ["stopped destroyed 1"]);
    assert.equal(bench.status, "shutoff 2");
    bench.checkQuiet();
  });

  test("whose destroying was refused starts again when it reboots", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    const gate = new Deferred();
    bench.world.gates.set("create", gate.promise);
    await bench.done(bench.operations.reboot(bench.domain, {}));
    const deadline = bench.guests.loop.now() + 100;
    const refused = bench.refused(bench.operations.destroy(bench.domain, { deadline }));
    await bench.world.hand.pass(200);
    assert.match(await refused, /cannot acquire state change lock/);
    gate.resolve();
    await bench.settle();
    assert.deepEqual(bench.log, ["stopped shutdown 1", "started booted 2"]);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("that starts again does so when everybody has heard of its end", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    const told = new Deferred();
    bench.toldGate = told.promise;
    bench.xen.end(1, "reboot");
    await bench.settle();
    assert.equal(bench.records.get(uuid)?.id, 1, "the record of the run whose end is not safe yet is gone");
    told.resolve();
    await bench.settle();
    assert.deepEqual(bench.log, ["stopped shutdown 1", "started booted 2"]);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("starts when everybody has heard of its end before: its record goes with that", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    const told = new Deferred();
    bench.toldGate = told.promise;
    bench.xen.end(1, "poweroff");
    await bench.settle();
    const begun = bench.operations.start(bench.domain, {}, {});
    await bench.settle();
    assert.equal(bench.records.get(uuid)?.isBuilding, undefined);
    told.resolve();
    await bench.done(begun);
    assert.deepEqual(bench.log, ["stopped shutdown 1", "started booted 2"]);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("that cannot start again has stopped", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    bench.xen.failures.set("create", new LibxlError(-3, "create"));
    await bench.done(bench.operations.reboot(bench.domain, {}));
    assert.deepEqual(bench.log, ["stopped shutdown 1"]);
    assert.equal(bench.reported.length, 1);
    bench.reported.length = 0;
    bench.checkQuiet();
  });

  for (const [reason, action, expected, status] of [
    ["crash", "", ["stopped crashed 1"], "shutoff 3"],
    ["crash", "<on_crash>restart</on_crash>", ["stopped crashed 1", "started booted 2"], "running 1 as 2"],
    ["crash", "<on_crash>preserve</on_crash>", ["crashed panicked 1"], "crashed 1 as 1"],
    ["crash", "<on_crash>coredump-destroy</on_crash>", ["stopped crashed 1"], "shutoff 3"],
    ["poweroff", "<on_poweroff>restart</on_poweroff>", ["stopped shutdown 1", "started booted 2"], "running 1 as 2"],
    ["poweroff", "<on_poweroff>preserve</on_poweroff>", ["shutdown finished 1"], "shutdown 0 as 1"],
    ["reboot", "<on_reboot>destroy</on_reboot>", ["stopped shutdown 1"], "shutoff 1"],
    ["suspend", "", [], "running 1 as 1"],
  ] as const) {
    test(`that ends by ${reason} with ${action || "the usual action"} is then ${status}`, async () => {
      const bench = await new Bench().loaded();
      await bench.running(action);
      bench.xen.end(1, reason);
      await bench.settle();
      assert.deepEqual(bench.log, expected);
      assert.equal(bench.status, status);
      assert.equal(bench.xen.calls.includes("dump"), action.includes("coredump"));
      if (bench.domain.id > 0) await bench.done(bench.operations.destroy(bench.domain, {}));
      bench.checkQuiet();
    });
  }

  test("that could not be built leaves nothing behind", async () => {
    const bench = await new Bench().loaded();
    bench.xen.failures.set("create", new LibxlError(-3, "create", { log: ["no kernel"] }));
    const message = await bench.refused(bench.operations.create(xml(), false, {}));
    assert.equal(message, "internal error: libxenlight failed to create new domain 'hello': FAIL: no kernel");
    assert.deepEqual(bench.listed, ["Domain-0"]);
    assert.deepEqual(bench.log, []);
    bench.checkQuiet();
  });

  test("leaves nothing behind either when the process has ended that was to destroy what was half built", async () => {
    const bench = await new Bench().loaded();
    const answer = Promise.reject(new ProcessEndedError("killed"));
    answer.catch(() => {});
    bench.world.gates.set("the answer to create", answer);
    bench.xen.failures.set("destroy", new ProcessEndedError("killed"));
    assert.match(await bench.refused(bench.operations.create(xml(), false, {})), /killed/);
    assert.deepEqual(bench.listed, ["Domain-0"]);
    assert.deepEqual(bench.log, []);
    bench.checkQuiet();
  });

  test("that could not be let go leaves nothing behind", async () => {
    const bench = await new Bench().loaded();
    bench.xen.failures.set("unpause", new LibxlError(-3, "unpause"));
    const message = await bench.refused(bench.operations.create(xml(), false, {}));
    assert.match(message, /failed to unpause domain '1'/);
    assert.deepEqual(bench.log, []);
    bench.checkQuiet();
  });

  test("is started once, whoever asks", async () => {
    const bench = await new Bench().loaded();
    await bench.done(bench.operations.define(xml(), {}));
    const [one, other] = [
      bench.operations.start(bench.domain, {}, {}),
      bench.refused(bench.operations.start(bench.domain, {}, {})),
    ];
    await bench.done(one);
    assert.match(await bench.done(other), /Domain is already running/);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("is saved into a file and goes on from it", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    const path = `${bench.world.directory}/image`;
    await bench.done(bench.operations.saves.save(bench.domain, path, {}));
    assert.equal(bench.status, "shutoff 5");
    await bench.done(bench.operations.saves.restore(path, undefined, false, {}));
    assert.deepEqual(bench.log, ["stopped saved 1", "started restored 2"]);
    assert.equal(bench.status, "running 3 as 2");
    assert.ok(bench.xen.calls.includes("restore image true"));
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("is not saved while it is paused", async () => {
    const bench = await new Bench().loaded();
    await bench.done(bench.operations.create(xml(), true, {}));
    const message = await bench.refused(bench.operations.saves.save(bench.domain, "/nowhere", {}));
    assert.match(message, /Domain '1' has to be running because libxenlight will suspend it/);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("that was saved as managed goes on with the next start", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    await bench.done(bench.operations.saves.saveManaged(bench.domain, {}));
    assert.ok(bench.operations.saves.hasManaged(bench.domain));
    assert.match(await bench.refused(bench.operations.undefine(bench.domain, {})), /managed save image exists/);
    await bench.done(bench.operations.start(bench.domain, {}, {}));
    assert.deepEqual(bench.log, ["stopped saved 1", "started restored 2"]);
    assert.ok(!bench.operations.saves.hasManaged(bench.domain));
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("goes on when its memory could not be written, and its end is seen after that", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    bench.xen.failures.set("the writing of memory", new LibxlError(-3, "save"));
    const saved = bench.operations.saves.save(bench.domain, `${bench.world.directory}/image`, {});
    assert.match(await bench.refused(saved), /failed to save domain '1'/);
    await bench.settle();
    assert.deepEqual([bench.status, bench.log], ["running 1 as 1", []]);
    assert.equal(bench.xen.list.get(1)?.info.running, true);
    assert.equal([...bench.records.values()][0]?.isSaving, false);
    bench.xen.end(1, "poweroff");
    await bench.world.hand.pass(1_000);
    assert.deepEqual(bench.log, ["stopped shutdown 1"]);
    bench.checkQuiet();
  });

  test("has ended when it can neither be saved nor go on", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    bench.xen.failures.set("the writing of memory", new LibxlError(-3, "save"));
    bench.xen.obstacles.set("resume", new LibxlError(-3, "resume"));
    const saved = bench.refused(bench.operations.saves.save(bench.domain, `${bench.world.directory}/image`, {}));
    assert.match(await saved, /failed to save domain '1'/);
    assert.deepEqual([bench.status, bench.log], ["shutoff 6", ["stopped failed 1"]]);
    assert.deepEqual(bench.reported.splice(0).map(String), Array(2).fill("LibxlError: resume: FAIL"));
    bench.checkQuiet();
  });

  test("that is destroyed while it is saved has one end", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    const gate = new Deferred();
    bench.world.gates.set("the answer to save", gate.promise);
    const saved = bench.refused(bench.operations.saves.save(bench.domain, `${bench.world.directory}/image`, {}));
    while (!bench.xen.calls.includes("save")) await bench.settle();
    await bench.done(bench.operations.destroy(bench.domain, {}));
    gate.resolve();
    assert.match(await saved, /failed to save domain '1'/);
    assert.deepEqual(bench.log, ["stopped destroyed 1"]);
    bench.checkQuiet();
  });

  for (const [what, isIt] of [
    ["goes on when it is suspended after the process that saved it has ended: nobody else would let it", true],
    ["stays suspended when somebody else saves it, long after a save whose process had ended", false],
  ] as const) {
    test(what, async () => {
      const bench = await new Bench().loaded();
      await bench.running();
      bench.xen.failures.set("save", new ProcessEndedError("killed"));
      const saved = bench.operations.saves.save(bench.domain, `${bench.world.directory}/image`, {});
      assert.match(await bench.refused(saved), /failed to save domain '1': killed/);
      assert.equal(bench.records.get(uuid)?.isSaving, true, "whoever comes after us has to know");
      if (!isIt) await bench.world.hand.pass(700_000, 10_000);
      bench.xen.end(1, "suspend");
      await bench.world.hand.pass(1_000);
      assert.equal(bench.xen.list.get(1)?.info.running, isIt);
      assert.deepEqual([bench.status, bench.log], ["running 1 as 1", []]);
      await bench.done(bench.operations.destroy(bench.domain, {}));
      bench.checkQuiet();
    });
  }

  test("is not saved any longer when the driver closes, and runs on", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    bench.world.gates.set("the answer to save", new Deferred().promise);
    const saved = bench.refused(bench.operations.saves.save(bench.domain, `${bench.world.directory}/image`, {}));
    while (!bench.xen.calls.includes("save")) await bench.settle();
    await bench.done(bench.guests.close());
    assert.match(await saved, /failed to save domain '1': ABORTED: .*the Xen driver was closed/);
    assert.equal(bench.xen.list.get(1)?.info.running, true);
    assert.deepEqual(bench.log, []);
    bench.world.remove();
  });

  test("that has crashed is not dumped any longer when it is to be destroyed, nor when the driver closes", async () => {
    for (const isClosing of [false, true]) {
      const bench = await new Bench().loaded();
      await bench.running("<on_crash>coredump-restart</on_crash>");
      bench.world.gates.set("the answer to dump", new Deferred().promise);
      bench.xen.end(1, "crash");
      while (!bench.xen.calls.includes("dump")) await bench.settle();
      await bench.done(isClosing ? bench.guests.close() : bench.operations.destroy(bench.domain, {}));
      assert.match(String(bench.reported.splice(0)), /failed to dump core of domain '1'.*ABORTED/);
      assert.deepEqual([bench.xen.ids, bench.log], isClosing ? [[1], []] : [[], ["stopped destroyed 1"]]);
      if (isClosing) bench.world.remove();
      else bench.checkQuiet();
    }
  });

  test("of which something half built cannot be taken away is not taken for one, and starts when it can", async () => {
    const bench = await new Bench().loaded();
    await bench.done(bench.operations.define(xml(), {}));
    bench.world.gates.set("the answer to create", Promise.reject(new LibxlError(-22, "create")));
    bench.xen.failures.set("destroy", new LibxlError(-3, "destroy"));
    assert.match(await bench.refused(bench.operations.start(bench.domain, {}, {})), /failed to create new domain/);
    assert.match(String(bench.reported.splice(0)), /failed to destroy domain '1'/);
    await bench.done(bench.guests.reconcile());
    assert.deepEqual([bench.xen.ids, bench.status, bench.records.get(uuid)?.isBuilding], [[1], "shutoff 0", true]);
    bench.world.gates.clear();
    await bench.done(bench.operations.start(bench.domain, {}, {}));
    assert.deepEqual([bench.xen.ids, bench.status], [[2], "running 1 as 2"]);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    assert.deepEqual(bench.log, ["defined added", "started booted 2", "stopped destroyed 2"]);
    bench.checkQuiet();
  });

  test("of which something half built was left is one when others have taken that away and made it", async () => {
    const bench = await new Bench().loaded();
    await bench.done(bench.operations.define(xml(), {}));
    const left = new LibxlError(-22, "create");
    bench.world.gates.set("the answer to create", Promise.reject(left));
    bench.xen.failures.set("destroy", new LibxlError(-3, "destroy"));
    await bench.refused(bench.operations.start(bench.domain, {}, {}));
    bench.reported.length = 0;
    bench.xen.remove(1);
    await bench.settle();
    assert.equal(bench.records.size, 0);
    bench.xen.make("hello", uuid);
    await bench.settle();
    assert.deepEqual([bench.status, bench.log], ["running 0 as 2", ["defined added", "started booted 2"]]);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("of which something half built was left is taken up by nobody: the next daemon destroys it", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    await bench.done(bench.operations.define(xml(), {}));
    world.gates.set("the answer to create", Promise.reject(new LibxlError(-22, "create")));
    world.xen.failures.set("destroy", new LibxlError(-3, "destroy"));
    await bench.refused(bench.operations.start(bench.domain, {}, {}));
    await bench.done(bench.guests.close());
    const next = await new Bench(world).loaded();
    await next.settle();
    assert.deepEqual([world.xen.ids, next.log, next.status], [[], [], "shutoff 0"]);
    next.checkQuiet();
  });

  test("says what was to be done, and in what time, when libxl does not do it", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    const late = new LibxlError(-22, "pause", { cause: new DeadlineError("pause had not ended after 30000 ms") });
    bench.xen.failures.set("pause", late);
    const error: unknown = await bench.operations.suspend(bench.domain, {}).catch((reason: unknown) => reason);
    assert.ok(error instanceof VirError);
    assert.equal(error.code, ErrorCode.operationTimeout);
    assert.match(error.message, /failed to suspend domain 'hello': ABORTED: pause had not ended after 30000 ms/);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("stands still while it is dumped, and ends with it when it is to", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    await bench.done(bench.operations.saves.dump(bench.domain, "/d", { live: false, crash: false }, {}));
    assert.equal(bench.status, "running 5 as 1");
    await bench.done(bench.operations.saves.dump(bench.domain, "/d", { live: true, crash: true }, {}));
    assert.equal(bench.status, "shutoff 3");
    assert.deepEqual(bench.log, ["stopped crashed 1"]);
    bench.checkQuiet();
  });
});

suite("domain 0", () => {
  test("is listed, and nothing is done to it", async () => {
    const bench = await new Bench().loaded();
    const zero = bench.guests.domains.byId(0);
    assert.equal(zero.name, "Domain-0");
    const { operations: ops } = bench;
    const refusals = [
      async () => ops.destroy(zero, {}),
      async () => ops.suspend(zero, {}),
      async () => ops.shutdown(zero, {}),
      async () => ops.undefine(zero, {}),
      async () => ops.saves.save(zero, "/a", {}),
      async () => ops.setAutostart(zero, true, {}),
    ];
    for (const refusal of refusals) {
      assert.match(await bench.refused(refusal()), /Domain-0 does not support requested operation/);
    }
    assert.match(await bench.refused(ops.define(xml().replace("hello", "Domain-0"), {})), /already exists/);
    bench.checkQuiet();
  });

  test("gets another size, fewer processors and other places for them, as it runs alone", async () => {
    const bench = await new Bench().loaded();
    const zero = bench.guests.domains.byId(0);
    const { reference: dom } = zero;
    const procedures = { ...resourceProcedures(bench.guests), ...pinningProcedures(bench.guests) };
    const call = (name: keyof typeof procedures, args: object): Promise<unknown> => {
      const procedure = procedures[name] as (args: object, context: object) => unknown;
      return Promise.resolve(procedure({ dom, ...args }, { signal: new AbortController().signal }));
    };
    await bench.done(call("domainSetMemory", { memory: 524_288n }));
    assert.equal(bench.xen.list.get(0)?.info.currentMemoryKib, 524_288n);
    assert.deepEqual([zero.definition?.currentMemoryKib, zero.definition?.memoryKib], [524_288, 1_048_576]);
    // It may be larger than when we came: Xen knows.
    await bench.done(call("domainSetMemoryFlags", { memory: 2_097_152n, flags: 1 }));
    assert.deepEqual([zero.definition?.currentMemoryKib, zero.definition?.memoryKib], [2_097_152, 2_097_152]);
    await bench.done(call("domainSetVcpusFlags", { nvcpus: 1, flags: 0 }));
    await bench.done(call("domainPinVcpuFlags", { vcpu: 0, cpumap: Uint8Array.of(6), flags: 1 }));
    assert.deepEqual(bench.xen.list.get(0)?.pins.get(0), [1, 2]);
    assert.match(zero.definition?.toXml() ?? "", /<vcpupin vcpu='0' cpuset='1-2'\/>/);
    const refusals = [
      ["domainSetMemoryFlags", { memory: 524_288n, flags: 2 }, /Domain-0 has no persistent config/],
      ["domainSetMaxMemory", { memory: 524_288n }, /the maximum memory of an active domain cannot be changed/],
      ["domainSetVcpus", { nvcpus: 2 }, /greater than max allowable vcpus for the domain: 2 > 1/],
      ["domainPinVcpu", { vcpu: 1, cpumap: Uint8Array.of(1) }, /vcpu '1' is not active/],
    ] as const;
    for (const [name, args, message] of refusals) assert.match(await bench.refused(call(name, args)), message);
    bench.checkQuiet();
  });
});

suite("what others do beside us", () => {
  const other = "14c6774c-a016-4ca7-8d75-9930f0bbbd69";

  test("is seen: a domain that they make, and that it goes", async () => {
    const bench = await new Bench().loaded();
    const domid = bench.xen.make("theirs", other);
    await bench.settle();
    assert.deepEqual(bench.listed, ["Domain-0", "theirs"]);
    assert.equal(bench.guests.domains.byName("theirs").definition?.textOf("os", "kernel"), "/k");
    bench.xen.remove(domid);
    await bench.settle();
    assert.deepEqual(bench.listed, ["Domain-0"]);
    assert.deepEqual(bench.log, ["started booted 1", "stopped destroyed 1"]);
    bench.checkQuiet();
  });

  test("ends a guest of ours", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    bench.xen.remove(1);
    await bench.settle();
    assert.deepEqual(bench.log, ["stopped destroyed 1"]);
    assert.equal(bench.status, "shutoff 2");
    bench.checkQuiet();
  });

  test("a domain that they are still making is looked at again", async () => {
    const bench = await new Bench().loaded();
    bench.xen.failures.set("configuration", new LibxlError(-16, "configuration"));
    const domid = bench.xen.make("theirs", other);
    await bench.settle();
    assert.deepEqual(bench.listed, ["Domain-0"]);
    await bench.world.hand.pass(300);
    assert.deepEqual(bench.listed, ["Domain-0", "theirs"]);
    bench.xen.remove(domid);
    await bench.settle();
    bench.checkQuiet();
  });

  test("a domain that takes them minutes to make is listed then, and is reported once until then", async () => {
    const bench = await new Bench().loaded();
    bench.xen.obstacles.set("configuration", new LibxlError(-16, "configuration"));
    const domid = bench.xen.make("theirs", other);
    await bench.world.hand.pass(15_000, 200);
    assert.deepEqual(bench.reported, []);
    await bench.world.hand.pass(300_000, 1_000);
    assert.match(
      String(bench.reported.splice(0).join()),
      /^Error: domain 1 of another's making cannot be shown: [^,]+$/,
    );
    bench.xen.calls.length = 0;
    await bench.world.hand.pass(60_000, 1_000);
    assert.equal(bench.xen.calls.filter((call) => call === "configuration").length, 6);
    bench.xen.obstacles.clear();
    await bench.world.hand.pass(10_000, 1_000);
    assert.deepEqual(bench.listed, ["Domain-0", "theirs"]);
    bench.xen.remove(domid);
    await bench.settle();
    bench.checkQuiet();
  });

  test("a domain with the name of a guest of ours is listed when that name is free, and is reported once", async () => {
    const bench = await new Bench().loaded();
    await bench.done(bench.operations.define(xml(), {}));
    const domid = bench.xen.make("hello", other);
    await bench.settle();
    for (let looks = 0; looks < 2; looks++) await bench.done(bench.guests.reconcile());
    assert.match(
      String(bench.reported.splice(0).join()),
      /^Error: domain 1 [^,]+ 'hello' already exists with uuid [^,]+$/,
    );
    await bench.done(bench.operations.undefine(bench.domain, {}));
    await bench.world.hand.pass(300);
    assert.equal(bench.guests.domains.byUuid(other).id, domid);
    bench.xen.remove(domid);
    await bench.settle();
    bench.checkQuiet();
  });

  test("a domain that they make of a guest while we fail to start it is seen", async () => {
    const bench = await new Bench().loaded();
    await bench.done(bench.operations.define(xml(), {}));
    const gate = new Deferred();
    bench.world.gates.set("create", gate.promise);
    const started = bench.refused(bench.operations.start(bench.domain, {}, {}));
    await bench.settle();
    const domid = bench.xen.make("hello", uuid);
    await bench.settle();
    assert.equal(bench.status, "shutoff 0");
    bench.xen.failures.set("create", new LibxlError(-3, "create"));
    gate.resolve();
    assert.match(await started, /failed to create new domain 'hello'/);
    assert.equal(bench.status, `running 0 as ${domid}`);
    bench.xen.remove(domid);
    await bench.settle();
    bench.checkQuiet();
  });

  test("a number that is another's by now is not ours", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    const old = bench.xen.list.get(1);
    assert.ok(old !== undefined);
    // Nobody has told us, and the watch is blind.
    old.watchers.clear();
    bench.xen.list.delete(1);
    bench.xen.nextId = 1;
    bench.xen.make("theirs", other);
    await bench.settle();
    assert.deepEqual(bench.log, ["stopped destroyed 1", "started booted 1"]);
    assert.equal(bench.status, "shutoff 2");
    bench.xen.remove(1);
    await bench.settle();
    bench.checkQuiet();
  });

  test("is seen: a guest that they pause, and let go on, whoever has made it", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    bench.xen.setPaused(1, true);
    await bench.world.hand.pass(1_000);
    assert.equal(bench.status, "paused 1 as 1");
    bench.xen.setPaused(1, false);
    await bench.world.hand.pass(1_000);
    assert.equal(bench.status, "running 5 as 1");
    assert.deepEqual(bench.log, ["suspended paused 1", "resumed unpaused 1"]);
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("what we have done ourselves is newer than what was seen before it", async () => {
    const bench = await new Bench().loaded();
    const domain = await bench.running();
    const answer = new Deferred();
    bench.world.gates.set("the answer to domains", answer.promise);
    await bench.world.hand.pass(1_000);
    await bench.done(bench.operations.suspend(domain, {}));
    answer.resolve();
    await bench.settle();
    assert.equal(bench.status, "paused 1 as 1");
    assert.deepEqual(bench.log, ["suspended paused 1"]);
    await bench.done(bench.operations.destroy(domain, {}));
    bench.checkQuiet();
  });

  test("a name that they give is its name, now and when it starts again", async () => {
    const bench = await new Bench().loaded();
    const domain = await bench.running();
    bench.xen.rename(1, "theirs");
    await bench.settle();
    assert.deepEqual(bench.listed, ["Domain-0", "theirs"]);
    assert.deepEqual(bench.log, ["undefined renamed 1", "defined renamed 1"]);
    assert.equal(bench.world.stored.get(uuid)?.name, "theirs");
    assert.equal(domain.definition?.name, "theirs");
    await bench.done(bench.operations.destroy(domain, {}));
    assert.deepEqual(bench.listed, ["Domain-0", "theirs"]);
    bench.checkQuiet();
  });

  test("a guest of theirs that reboots is theirs to build again", async () => {
    const bench = await new Bench().loaded();
    bench.xen.make("theirs", other);
    await bench.settle();
    bench.xen.end(1, "reboot");
    await bench.settle();
    assert.deepEqual(
      bench.xen.calls.filter((call) => ["create", "destroy"].includes(call)),
      [],
    );
    assert.equal(bench.guests.domains.byName("theirs").status.state, 4);
    bench.xen.remove(1);
    const next = bench.xen.make("theirs", other);
    await bench.settle();
    assert.deepEqual(bench.log, ["started booted 1", "stopped shutdown 1", "started booted 2"]);
    bench.xen.remove(next);
    await bench.settle();
    bench.checkQuiet();
  });
});

suite("a guest of Xen that is renamed while another call waits for its turn", () => {
  async function renamed(call: (bench: Bench) => Promise<unknown>): Promise<[Bench, string]> {
    const bench = await new Bench().loaded();
    await bench.done(bench.operations.define(xml(), {}));
    const gate = new Deferred();
    const others = [
      bench.guests.exclusively(bench.domain, "query", {}, () => gate.promise),
      bench.operations.rename(bench.domain, "renamed", {}),
    ];
    const refused = bench.refused(call(bench));
    while (bench.guests.jobWaits.waiting < others.length) await bench.settle();
    gate.resolve();
    await bench.done(Promise.all(others));
    const refusal = await refused;
    assert.equal(bench.domain.persistent?.name, "renamed");
    assert.equal(bench.world.stored.get(uuid)?.name, "renamed");
    bench.checkQuiet();
    return [bench, refusal];
  }
  const clash = new RegExp(`domain 'renamed' is already defined with uuid ${uuid}`);

  test("keeps that name when the call defines it by the old one", async () => {
    const [bench, refusal] = await renamed(({ operations }) => operations.define(xml(), {}));
    assert.match(refusal, clash);
    assert.deepEqual(bench.log, ["defined added", "undefined renamed", "defined renamed"]);
  });

  test("is not created by the old one, nor restored", async () => {
    const [, refusal] = await renamed(({ operations }) => operations.create(xml(), false, {}));
    assert.match(refusal, clash);
    const [, ofRestore] = await renamed(async ({ operations, world }) => {
      const path = join(world.directory, "image");
      await beginImage(path, xml());
      await operations.saves.restore(path, undefined, false, {});
    });
    assert.match(ofRestore, clash);
  });
});

suite("the daemon after this one", () => {
  async function after(before: Bench): Promise<Bench> {
    await before.done(before.guests.close());
    before.xen.news.clear();
    const next = new Bench(before.world);
    return next;
  }

  test("takes up the guests that run, once, and with their definitions", async () => {
    const bench = await new Bench().loaded();
    await bench.running("<title>known</title>");
    const next = await (await after(bench)).loaded();
    assert.equal(next.status, "running 1 as 1");
    assert.equal(next.domain.definition?.textOf("title"), "known");
    assert.deepEqual(next.log, []);
    next.xen.end(1, "poweroff");
    await next.settle();
    assert.deepEqual(next.log, ["stopped shutdown 1"]);
    next.checkQuiet();
  });

  test("takes them for nobody else's when it hears of news before it knows which are its own", async () => {
    const bench = await new Bench().loaded();
    await bench.running("<title>known</title>");
    const next = await after(bench);
    for (const listener of next.xen.news) listener();
    await next.settle();
    await next.loaded();
    assert.equal(next.domain.definition?.textOf("title"), "known");
    assert.deepEqual(next.log, []);
    await next.done(next.operations.destroy(next.domain, {}));
    next.checkQuiet();
  });

  test("hears of what ended meanwhile", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    const next = await after(bench);
    next.xen.list.delete(1);
    await next.loaded();
    assert.deepEqual(next.log, ["stopped destroyed 1"]);
    assert.equal(next.status, "shutoff 2");
    next.checkQuiet();
  });

  test("does not tell an end twice", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    const next = await after(bench);
    next.xen.list.delete(1);
    next.told = { isStarted: true, isEnded: true };
    await next.loaded();
    assert.deepEqual(next.log, []);
    assert.equal(next.status, "shutoff 0");
    next.checkQuiet();
  });

  test("tells of a guest that is preserved once", async () => {
    const bench = await new Bench().loaded();
    await bench.running("<on_crash>preserve</on_crash>");
    bench.xen.end(1, "crash");
    await bench.settle();
    assert.deepEqual(bench.log, ["crashed panicked 1"]);
    for (const isDown of [true, false]) {
      const next = await after(bench);
      next.told = { isStarted: true, isEnded: false, isDown };
      await next.loaded();
      await next.settle();
      assert.deepEqual(next.log, isDown ? [] : ["crashed panicked 1"]);
      assert.equal(next.status, "crashed 1 as 1");
      void next.guests.close();
    }
    bench.world.remove();
  });

  test("tells that a guest was paused meanwhile, or let go on", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    const second = await after(bench);
    second.xen.setPaused(1, true);
    await second.loaded();
    assert.deepEqual(second.log, ["suspended paused 1"]);
    assert.equal(second.status, "paused 1 as 1");
    const third = await after(second);
    third.told = { isStarted: true, isEnded: false, isPaused: true, hasPaused: true };
    third.xen.setPaused(1, false);
    await third.loaded();
    assert.deepEqual(third.log, ["resumed unpaused 1"]);
    assert.equal(third.status, "running 5 as 1");
    await third.done(third.operations.destroy(third.domain, {}));
    third.checkQuiet();
  });

  test("tells that a guest was paused, or let go on, when the daemon that did it could not", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    await bench.done(bench.operations.suspend(bench.domain, {}));
    const second = await after(bench);
    second.told = { isStarted: true, isEnded: false };
    await second.loaded();
    assert.deepEqual(second.log, ["suspended paused 1"]);
    await second.done(second.operations.resume(second.domain, {}));
    const third = await after(second);
    third.told = { isStarted: true, isEnded: false, isPaused: true, hasPaused: true };
    await third.loaded();
    assert.deepEqual(third.log, ["resumed unpaused 1"]);
    await third.done(third.operations.destroy(third.domain, {}));
    third.checkQuiet();
  });

  test("lets a guest go on that stood still for a dump", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    await bench.running();
    world.gates.set("dump", new Deferred().promise);
    bench.operations.saves.dump(bench.domain, "/d", { live: false, crash: false }, {}).catch(() => {});
    await bench.settle();
    assert.equal(bench.status, "paused 4 as 1");
    void bench.guests.close();
    world.xen.news.clear();
    const next = await new Bench(world).loaded();
    await next.settle();
    assert.equal(next.status, "running 5 as 1");
    assert.equal(next.xen.list.get(1)?.info.paused, false);
    assert.deepEqual(next.log, []);
    await next.done(next.operations.destroy(next.domain, {}));
    next.checkQuiet();
  });

  test("takes up a guest whose name was being changed, as ours and with its new name", async () => {
    const bench = await new Bench().loaded();
    await bench.running("<title>known</title>");
    const next = await after(bench);
    // The definition was written, and the record not.
    const definition = next.world.stored.get(uuid) ?? assert.fail();
    next.world.stored.set(
      uuid,
      definition.with((root) => root.first("name")?.setText("renamed")),
    );
    await next.loaded();
    assert.equal(next.domain.name, "renamed");
    assert.equal(next.domain.definition?.name, "renamed");
    assert.equal(next.domain.definition?.textOf("title"), "known");
    assert.deepEqual(next.log, []);
    await next.done(next.operations.destroy(next.domain, {}));
    next.checkQuiet();
  });

  test("tells a start that nobody has been told of", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    const next = await after(bench);
    next.told = { isStarted: false, isEnded: false };
    await next.loaded();
    assert.deepEqual(next.log, ["started booted 1"]);
    await next.done(next.operations.destroy(next.domain, {}));
    next.checkQuiet();
  });

  test("destroys what was half built", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    await bench.done(bench.operations.define(xml(), {}));
    const gate = new Deferred();
    world.gates.set("the answer to create", gate.promise);
    bench.operations.start(bench.domain, {}, {}).catch(() => {});
    await bench.settle();
    assert.deepEqual(world.xen.ids, [1]);
    world.xen.news.clear();
    // As if by kill -9.
    const next = await new Bench(world).loaded();
    assert.deepEqual(world.xen.ids, []);
    assert.equal(next.status, "shutoff 0");
    assert.deepEqual(next.log, []);
    next.checkQuiet();
  });

  test("destroys what was half built also when the one before was ended while it did", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    await bench.done(bench.operations.define(xml(), {}));
    world.gates.set("the answer to create", new Deferred().promise);
    bench.operations.start(bench.domain, {}, {}).catch(() => {});
    await bench.settle();
    world.gates.set("destroy", new Deferred().promise);
    const between = new Bench(world);
    between.guests.load().catch(() => {});
    while (!world.xen.calls.includes("destroy")) await between.settle();
    void between.guests.close();
    world.gates.clear();
    world.xen.news.clear();
    const next = await new Bench(world).loaded();
    assert.deepEqual([world.xen.ids, next.log], [[], []]);
    assert.equal(next.status, "shutoff 0");
    next.checkQuiet();
  });

  for (const wasRunning of [false, true]) {
    const what = wasRunning ? "the next domain of a guest that rebooted" : "a domain";
    test(`destroys ${what} that comes about when two have been killed`, async () => {
      const world = new BenchWorld();
      const bench = await new Bench(world).loaded();
      const [gate, dead] = [new Deferred(), new Deferred()];
      world.predecessors = dead.promise;
      if (wasRunning) await bench.running();
      world.gates.set("create", gate.promise);
      world.gates.set("the answer to create", new Deferred().promise);
      if (wasRunning) await bench.done(bench.operations.reboot(bench.domain, {}));
      else bench.operations.create(xml(), false, {}).catch(() => {});
      await bench.settle();
      void bench.guests.close();
      world.xen.news.clear();
      const second = await new Bench(world).loaded();
      await second.settle();
      void second.guests.close();
      world.xen.news.clear();
      const third = new Bench(world);
      third.told = { isStarted: true, isEnded: true };
      await third.loaded();
      gate.resolve();
      await third.settle();
      dead.resolve();
      await third.settle();
      assert.deepEqual([...second.log, ...third.log], wasRunning ? ["stopped shutdown 1"] : []);
      assert.deepEqual(world.xen.ids, []);
      third.checkQuiet();
    });
  }

  test("destroys what was half built, and tries again when that fails", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    world.gates.set("the answer to create", new Deferred().promise);
    bench.operations.create(xml(), false, {}).catch(() => {});
    await bench.settle();
    world.xen.news.clear();
    world.xen.failures.set("destroy", new LibxlError(-3, "destroy"));
    const next = await new Bench(world).loaded();
    await world.hand.pass(300);
    assert.deepEqual(world.xen.ids, []);
    assert.deepEqual(next.log, []);
    assert.equal(next.reported.splice(0).length, 1);
    next.checkQuiet();
  });

  test("lets a domain be that others make of such a guest when nothing is at work for the one before", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    world.gates.set("create", new Deferred().promise);
    bench.operations.create(xml(), false, {}).catch(() => {});
    await bench.settle();
    world.xen.news.clear();
    const dead = new Deferred();
    world.predecessors = dead.promise;
    const next = await new Bench(world).loaded();
    await next.settle();
    assert.deepEqual([...next.records.keys()], [uuid], "its domain may come about yet");
    dead.resolve();
    await next.settle();
    assert.deepEqual([...next.records.keys()], []);
    next.xen.make("hello", uuid);
    await next.settle();
    assert.deepEqual(next.log, ["started booted 1"]);
    next.xen.remove(1);
    await next.settle();
    next.checkQuiet();
  });

  test("finds a guest that was rebooting", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    await bench.running();
    world.gates.set("the answer to create", new Deferred().promise);
    const { since } = world.records.get(uuid) ?? {};
    await bench.done(bench.operations.reboot(bench.domain, {}));
    assert.deepEqual(world.xen.ids, [2]);
    assert.equal(world.records.get(uuid)?.since, since, "its start is told, and would be told again");
    // It never comes to its end, and does nothing more.
    void bench.guests.close();
    world.xen.news.clear();
    const next = await new Bench(world).loaded();
    assert.deepEqual(next.log, ["stopped shutdown 1"]);
    assert.deepEqual(world.xen.ids, []);
    next.checkQuiet();
  });

  test("ends what was being ended, for the same reason", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    await bench.running();
    world.gates.set("destroy", new Deferred().promise);
    bench.operations.saves.save(bench.domain, `${world.directory}/image`, {}).catch(() => {});
    while (!world.xen.calls.includes("destroy")) await bench.settle();
    world.xen.news.clear();
    world.gates.clear();
    const next = await new Bench(world).loaded();
    await next.settle();
    assert.deepEqual(next.log, ["stopped saved 1"]);
    assert.equal(next.status, "shutoff 5");
    next.checkQuiet();
  });

  test("has a guest go on that was being saved, once it is suspended: nobody else would", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    await bench.running();
    world.gates.set("save", new Deferred().promise);
    bench.operations.saves.save(bench.domain, `${world.directory}/image`, {}).catch(() => {});
    while (!world.xen.calls.includes("save")) await bench.settle();
    void bench.guests.close();
    world.xen.news.clear();
    const next = await new Bench(world).loaded();
    assert.equal(next.status, "running 1 as 1");
    world.xen.end(1, "suspend");
    await next.settle();
    assert.deepEqual(next.log, []);
    assert.equal(next.status, "running 1 as 1");
    assert.equal(world.xen.list.get(1)?.info.running, true);
    assert.equal([...next.records.values()][0]?.isSaving, false);
    await next.done(next.operations.destroy(next.domain, {}));
    next.checkQuiet();
  });

  test("knows of a save, and of a device on its way, when two have been killed", async () => {
    const world = new BenchWorld();
    const bench = await new Bench(world).loaded();
    await bench.running();
    const before = world.records.get(uuid) ?? assert.fail();
    void bench.guests.close();
    const ending = { reason: 2, detail: 1 };
    const single = [{ isSaving: true }, { hasTransit: true }, { ending }, { isForeign: true }];
    for (const mark of [...single, { ending, isSaving: true }]) {
      world.records.set(uuid, { ...before, ...mark });
      world.xen.news.clear();
      const written: RunRecord[] = [];
      world.records.set = (which, record) => {
        written.push(record);
        return Map.prototype.set.call(world.records, which, record);
      };
      for (const gate of ["configuration", "destroy"]) world.gates.set(gate, new Deferred().promise);
      const next = await new Bench(world).loaded();
      await next.settle();
      for (const [name, value] of Object.entries(mark)) {
        assert.deepEqual(world.records.get(uuid)?.[name as keyof typeof before], value, name);
        for (const record of written)
          assert.deepEqual(record[name as keyof typeof before], value, `${name} at any time`);
      }
      void next.guests.close();
    }
    world.remove();
  });

  test("knows what was saved", async () => {
    const bench = await new Bench().loaded();
    await bench.running();
    await bench.done(bench.operations.saves.saveManaged(bench.domain, {}));
    const next = await after(bench);
    await next.done(next.operations.saves.load());
    await next.loaded();
    assert.ok(next.operations.saves.hasManaged(next.guests.domains.byUuid(uuid)));
    next.checkQuiet();
  });
});
