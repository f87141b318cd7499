import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { helloDefinition } from "../../src/driver/qemu/index.ts";
import { openProcess } from "../../src/os/index.ts";
import { ErrorCode, type VirError } from "../../src/protocol/index.ts";
import {
  awaitButton,
  Bench,
  bootable,
  bounded,
  call,
  commandOf,
  hasEnded,
  powerOff,
  withDevices,
} from "./qemu-bench.ts";

test("a guest lives: started, seen, suspended, resumed, destroyed", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await bench.define();
  const pid = await bench.start(dom);
  assert.match(commandOf(pid), /guest=hello/);
  assert.deepEqual(await bench.state(dom), [1, 1]);
  const info = await call(bench.driver, "domainGetInfo", { dom });
  assert.deepEqual([info.maxMem, info.nrVirtCpu], [131_072n, 1]);
  assert.ok(info.cpuTime > 0n);
  const { xml } = await call(bench.driver, "domainGetXmlDesc", { dom, flags: 0 });
  assert.match(xml, /^<domain type='qemu' id='1'>/);
  await bench.until(() => readFileSync(bench.serialLog, "utf8").includes("No bootable device"));

  await call(bench.driver, "domainSuspend", { dom });
  assert.deepEqual(await bench.state(dom), [3, 1]);
  await call(bench.driver, "domainResume", { dom });
  assert.deepEqual(await bench.state(dom), [1, 5]);
  await call(bench.driver, "domainDestroy", { dom });
  assert.deepEqual(await bench.state(dom), [5, 2]);
  assert.equal(openProcess(pid), undefined, "the process is gone when destroy is done");
  assert.deepEqual(bench.events, [
    "hello -1: defined 0",
    "hello 1: resumed 0",
    "hello 1: started 0",
    "hello 1: suspended 0",
    "hello 1: resumed 0",
    "hello 1: shutdown 2",
    "hello -1: stopped 1",
  ]);
});

test("a QEMU that is killed from outside has crashed", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await bench.define();
  process.kill(await bench.start(dom), "SIGKILL");
  await bench.until(() => bench.events.length > 3);
  assert.equal(bench.events.at(-1), "hello 1: stopped 5");
  assert.deepEqual(await bench.state(dom), [5, 3]);
});

test("a QEMU that is terminated from outside was shut down by the host", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await bench.define();
  process.kill(await bench.start(dom), "SIGTERM");
  await bench.until(() => bench.events.length > 4);
  assert.deepEqual(bench.events.slice(3), ["hello 1: shutdown 2", "hello 1: stopped 0"]);
  assert.deepEqual(await bench.state(dom), [5, 1]);
});

test("a guest that powers itself off was shut down by the guest", bounded, async (context) => {
  const bench = await Bench.open(context);
  const disk = bootable(join(bench.directory, "off, really.img"), powerOff);
  const dom = await bench.define(withDevices(bench, disk));
  await call(bench.driver, "domainCreate", { dom });
  await bench.until(() => bench.events.length > 4);
  assert.deepEqual(bench.events.slice(3), ["hello 1: shutdown 1", "hello 1: stopped 0"]);
  assert.deepEqual(await bench.state(dom), [5, 1]);
});

test("a guest whose power button is pressed powers off, if it listens", bounded, async (context) => {
  const bench = await Bench.open(context);
  const disk = bootable(join(bench.directory, "button.img"), [...awaitButton, ...powerOff]);
  const dom = await bench.define(withDevices(bench, disk));
  await bench.start(dom);
  // Before it listens a press is lost, as on a real machine.
  while (bench.events.length < 5) {
    await call(bench.driver, "domainShutdown", { dom }).catch(() => {});
    await sleep(50);
  }
  assert.deepEqual(bench.events.slice(3), ["hello 1: shutdown 1", "hello 1: stopped 0"]);
  assert.deepEqual(await bench.state(dom), [5, 1]);
});

test("a guest that is reset boots again, as the same run", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await bench.define();
  const pid = await bench.start(dom);
  const boots = (): number => readFileSync(bench.serialLog, "utf8").split("No bootable device").length - 1;
  await bench.until(() => boots() === 1);
  await call(bench.driver, "domainReset", { dom, flags: 0 });
  await bench.until(() => boots() === 2);
  const lifecycle = bench.events.filter((event) => !event.endsWith(": reboot"));
  assert.deepEqual([lifecycle.length, await bench.state(dom), bench.pid(dom)], [3, [1, 1], pid]);
  assert.ok(bench.events.includes("hello 1: reboot"));
  await call(bench.driver, "domainDestroy", { dom });
});

test("ids grow by one, and transient domains vanish", bounded, async (context) => {
  const bench = await Bench.open(context);
  for (const id of [1, 2, 3]) {
    const xmlDesc = helloDefinition({ serialLog: bench.serialLog });
    const { dom } = await call(bench.driver, "domainCreateXml", { xmlDesc, flags: 0 });
    assert.equal(dom.id, id);
    bench.pid(dom);
    await call(bench.driver, "domainDestroy", { dom });
    assert.equal((await call(bench.driver, "connectListAllDomains", { needResults: 1, flags: 0 })).ret, 0);
  }
});

test("when QEMU fails at its start the error is its own, and there is no event", bounded, async (context) => {
  const bench = await Bench.open(context);
  const image = join(bench.directory, "no.qcow2");
  writeFileSync(image, "x".repeat(65_536));
  const disk = `<disk><driver type='qcow2'/><source file='${image}'/><target dev='vda'/></disk>`;
  const dom = await bench.define(withDevices(bench, disk));
  await assert.rejects(call(bench.driver, "domainCreate", { dom }), (error: VirError) => {
    assert.equal(error.code, ErrorCode.internalError);
    assert.match(
      error.message,
      /^internal error: process exited while connecting to monitor: .*Image is not in qcow2 format$/,
    );
    return true;
  });
  assert.deepEqual(bench.events, ["hello -1: defined 0"]);
  assert.deepEqual(await bench.state(dom), [5, 6]);
  assert.deepEqual(bench.runFiles, []);
});

test("what a guest needs and is not there is named, with what to do", bounded, async (context) => {
  const bench = await Bench.open(context);
  const attempt = async (devices: string): Promise<string> => {
    const { dom } = await call(bench.driver, "domainDefineXml", { xml: withDevices(bench, devices) });
    const message = await call(bench.driver, "domainCreate", { dom }).then(String, (error: Error) => error.message);
    await call(bench.driver, "domainUndefine", { dom });
    return message;
  };
  assert.match(
    await attempt("<emulator>/nosuch/qemu-system-x86_64</emulator>"),
    /Cannot check QEMU binary \/nosuch.*: No such file or directory; install it with: sudo apt-get install qemu-system-x86$/,
  );
  assert.equal(
    await attempt("<disk><source file='/nosuch.img'/><target dev='vda'/></disk>"),
    "Cannot access storage file '/nosuch.img': No such file or directory",
  );
  const { dom } = await call(bench.driver, "domainDefineXml", {
    xml: helloDefinition({ serialLog: bench.serialLog, kernel: "/nosuch" }),
  });
  await assert.rejects(
    call(bench.driver, "domainCreate", { dom }),
    /^VirError: unable to stat: \/nosuch: No such file/,
  );
});

test("an emulator that cannot be executed leaves nothing behind", bounded, async (context) => {
  const bench = await Bench.open(context);
  // A directory passes for executable until it is executed.
  const dom = await bench.define(withDevices(bench, `<emulator>${bench.directory}</emulator>`));
  const descriptors = (): number => readdirSync("/proc/self/fd").length;
  const before = descriptors();
  for (let round = 0; round < 3; round++) {
    await assert.rejects(call(bench.driver, "domainCreate", { dom }), { code: ErrorCode.systemError, int1: 13 });
  }
  await bench.until(() => bench.loop.size === bench.idleSize);
  assert.deepEqual([descriptors(), bench.runFiles], [before, []]);
});

test("a directory too deep for a socket is named as the reason", bounded, async (context) => {
  const bench = await Bench.open(context);
  const runDir = join(bench.directory, "deep".repeat(20));
  mkdirSync(runDir);
  await bench.driver.close();
  await bench.openDriver({ runDir });
  const dom = await bench.define();
  await assert.rejects(call(bench.driver, "domainCreate", { dom }), /UNIX socket path '.*' too long: choose a shorter/);
  assert.deepEqual(await bench.state(dom), [5, 6]);
  assert.deepEqual(readdirSync(runDir).sort(), ["autostarted", "format", "lock"]);
});

test("a pseudo terminal is shown where it is", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await bench.define(withDevices(bench, "<serial type='pty'/>"));
  await bench.start(dom);
  const { xml } = await call(bench.driver, "domainGetXmlDesc", { dom, flags: 0 });
  assert.match(xml, /<serial type='pty'>\n\s+<source path='\/dev\/pts\/\d+'\/>/);
  await call(bench.driver, "domainDestroy", { dom });
});

test("guests outlive the driver, and the next one takes them up", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await bench.define();
  const pid = await bench.start(dom);
  await call(bench.driver, "domainSuspend", { dom });
  await bench.driver.close();
  assert.match(commandOf(pid), /guest=hello/);
  await bench.openDriver();
  assert.deepEqual(await bench.state(dom), [3, 1]);
  await call(bench.driver, "domainResume", { dom });
  assert.equal(bench.pid(dom), pid);
  await bench.driver.close();
  process.kill(pid, "SIGKILL");
  await bench.until(() => hasEnded(pid));
  await bench.openDriver();
  assert.deepEqual(await bench.state(dom), [5, 3]);
  await bench.until(() => bench.runFiles.length === 0);
});

test("a driver does not take a directory that another has", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await bench.define();
  const pid = await bench.start(dom);
  await assert.rejects(bench.openDriver(), /lock is already served: stop that daemon/);
  await call(bench.driver, "domainSuspend", { dom });
  assert.match(commandOf(pid), /guest=hello/);
});

test(
  "a QEMU that was launched by a driver which died before it knew the pid is found and ended",
  bounded,
  async (context) => {
    const bench = await Bench.open(context);
    const dom = await bench.define();
    const pid = await bench.start(dom);
    await bench.driver.close();
    const record = join(bench.directory, "run", `${dom.uuid}.json`);
    const { process: _, ...rest } = JSON.parse(readFileSync(record, "utf8"));
    writeFileSync(record, JSON.stringify({ ...rest, status: { state: 3, reason: 11 } }));
    await bench.openDriver();
    await bench.until(() => commandOf(pid) === "");
    await bench.until(() => bench.runFiles.length === 0);
    assert.deepEqual(await bench.state(dom), [5, 6]);
    await bench.start(dom);
    await call(bench.driver, "domainDestroy", { dom });
  },
);

test(
  "a stopped QEMU is taken up without waiting for it, and is itself again when it goes on",
  bounded,
  async (context) => {
    const bench = await Bench.open(context);
    const dom = await bench.define();
    const pid = await bench.start(dom);
    process.kill(pid, "SIGSTOP");
    await bench.driver.close();
    await bench.openDriver();
    assert.deepEqual(await bench.state(dom), [1, 1]);
    const deadline = bench.loop.now() + 200;
    await assert.rejects(call(bench.driver, "domainSuspend", { dom }, { deadline }), /held by reconnect/);
    process.kill(pid, "SIGCONT");
    await call(bench.driver, "domainSuspend", { dom });
    assert.deepEqual([await bench.state(dom), bench.pid(dom)], [[3, 1], pid]);
    await call(bench.driver, "domainDestroy", { dom });
  },
);

test("a stopped QEMU keeps nobody longer than the caller waits, and can be destroyed", bounded, async (context) => {
  const bench = await Bench.open(context, { terminateMs: 300 });
  const dom = await bench.define();
  const other = await bench.define(helloDefinition({ name: "other", serialLog: bench.serialLog }));
  process.kill(await bench.start(dom), "SIGSTOP");
  await bench.start(other);
  const deadline = bench.loop.now() + 1000;
  let isStuck = true;
  const stuck = call(bench.driver, "domainSuspend", { dom }, { deadline }).finally(() => {
    isStuck = false;
  });
  await call(bench.driver, "domainSuspend", { dom: other });
  await call(bench.driver, "domainDestroy", { dom: other });
  assert.ok(isStuck, "the other guest did not wait for this one");
  await assert.rejects(stuck, { code: ErrorCode.operationTimeout });
  await call(bench.driver, "domainDestroy", { dom });
  assert.deepEqual(await bench.state(dom), [5, 2]);
});

test("twenty rounds of start and destroy leave nothing behind", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await bench.define();
  const descriptors = (): number => readdirSync("/proc/self/fd").length;
  let before = 0;
  for (let round = 0; round < 20; round++) {
    await bench.start(dom);
    await call(bench.driver, "domainDestroy", { dom });
    if (round === 0) before = descriptors();
  }
  await bench.until(() => bench.loop.size === bench.idleSize);
  assert.equal(descriptors(), before);
  await bench.until(() => bench.runFiles.length === 0);
  for (const pid of bench.pids) assert.ok(!commandOf(pid).includes("qemu-system"));
});
