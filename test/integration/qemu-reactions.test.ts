import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { helloDefinition } from "../../src/driver/qemu/index.ts";
import type { Domain } from "../../src/protocol/index.ts";
import { awaitButton, Bench, bootable, bounded, call, powerOff, withDevices } from "./qemu-bench.ts";

/** Says on the serial port that it runs: mov dx, 0x3f8; mov al, 'B'; out dx, al. */
const sayBoot = [0xba, 0xf8, 0x03, 0xb0, 0x42, 0xee];
/** Counts to sixty million. */
const wait = [0x66, 0xb9, 0x00, 0x00, 0x00, 0x04, 0x67, 0x66, 0xe2, 0xfd];
/** By the keyboard controller: mov al, 0xfe; out 0x64, al; hlt. */
const reset = [0xb0, 0xfe, 0xe6, 0x64, 0xf4];
/** Waits for ever: cli; hlt; jmp. */
const stand = [0xfa, 0xf4, 0xeb, 0xfd];

async function guest(
  context: TestContext,
  code: readonly number[],
  actions = "",
): Promise<{ bench: Bench; dom: Domain; boots: () => number }> {
  const bench = await Bench.open(context);
  const disk = bootable(join(bench.directory, "boot.img"), [...sayBoot, ...code]);
  const xml = withDevices(bench, disk).replace("<devices>", `${actions}<devices>`);
  const dom = await bench.define(xml.replace('<bios useserial="yes"/>', "").replace("<bios useserial='yes'/>", ""));
  await bench.start(dom);
  bench.events.length = 0;
  const boots = (): number => readFileSync(bench.serialLog, "latin1").split("B").length - 1;
  return { bench, dom, boots };
}

/** Without the names, and of what may be repeated once. */
function told(bench: Bench): string[] {
  return bench.events
    .map((event) => event.replace(/^\S+ /, ""))
    .filter((event, index, all) => event !== "1: reboot" || all[index - 1] !== event);
}

test(
  "a reboot is asked for by the power button, and the guest starts again as the same run",
  bounded,
  async (context) => {
    const { bench, dom, boots } = await guest(context, [...awaitButton, ...powerOff]);
    await bench.until(() => boots() >= 1);
    const pid = bench.pid(dom);
    while (boots() < 2) {
      await call(bench.driver, "domainReboot", { dom, flags: 0 }).catch(() => {});
      await sleep(100);
    }
    await bench.until(() => told(bench).length > 0);
    assert.deepEqual([told(bench), await bench.state(dom), bench.pid(dom)], [["1: reboot"], [1, 1], pid]);
    await call(bench.driver, "domainDestroy", { dom });
  },
);

test("a guest that restarts when it powers off does so", bounded, async (context) => {
  const { bench, dom, boots } = await guest(context, [...wait, ...powerOff], "<on_poweroff>restart</on_poweroff>");
  await bench.until(() => boots() >= 3);
  assert.deepEqual([told(bench), await bench.state(dom)], [["1: reboot"], [1, 1]]);
  await call(bench.driver, "domainDestroy", { dom });
});

test("a guest that is to end when it reboots ends", bounded, async (context) => {
  const { bench, dom } = await guest(context, [...wait, ...reset], "<on_reboot>destroy</on_reboot>");
  await bench.until(() => told(bench).length >= 2);
  assert.deepEqual(
    [told(bench), await bench.state(dom)],
    [
      ["1: shutdown 1", "1: stopped 0"],
      [5, 1],
    ],
  );
});

test("what becomes of it can be changed while it runs", bounded, async (context) => {
  const { bench, dom, boots } = await guest(context, [...awaitButton, ...powerOff]);
  await bench.until(() => boots() >= 1);
  await call(bench.driver, "domainSetLifecycleAction", { dom, type: 0, action: 1, flags: 0 });
  while (boots() < 2) {
    await call(bench.driver, "domainShutdown", { dom }).catch(() => {});
    await sleep(100);
  }
  assert.deepEqual(told(bench), ["1: reboot"]);
  await assert.rejects(
    call(bench.driver, "domainSetLifecycleAction", { dom, type: 1, action: 0, flags: 0 }),
    /'onReboot' set to 'destroy and 'onPoweroff' set to 'reboot'/,
  );
  await call(bench.driver, "domainDestroy", { dom });
});

test("domains that start by themselves do so once for each boot of the machine", bounded, async (context) => {
  const { bench, dom } = await guest(context, stand);
  await call(bench.driver, "domainSetAutostart", { dom, autostart: 1 });
  assert.equal((await call(bench.driver, "domainGetAutostart", { dom })).autostart, 1);
  await call(bench.driver, "domainDestroy", { dom });
  await bench.driver.close();
  await bench.openDriver();
  assert.deepEqual(await bench.state(dom), [5, 0], "somebody has ended it since");
  await bench.driver.close();
  await bench.forgetBoot();
  await bench.openDriver();
  await bench.until(() => bench.runFiles.length > 1);
  while ((await bench.state(dom))[0] !== 1) await sleep(20);
  bench.pid(dom);
  await call(bench.driver, "domainDestroy", { dom });
  await call(bench.driver, "domainUndefine", { dom });
  assert.deepEqual(readdirSync(join(bench.directory, "state", "autostart")), []);
  const { dom: transient } = await call(bench.driver, "domainCreateXml", {
    xmlDesc: helloDefinition({ serialLog: bench.serialLog }),
    flags: 0,
  });
  bench.pid(transient);
  await assert.rejects(
    call(bench.driver, "domainSetAutostart", { dom: transient, autostart: 1 }),
    /cannot set autostart for transient domain/,
  );
  await call(bench.driver, "domainDestroy", { dom: transient });
});

test("a domain that does not run can be renamed, and keeps all else", bounded, async (context) => {
  const { bench, dom } = await guest(context, stand);
  await assert.rejects(call(bench.driver, "domainRename", { dom, newName: "new", flags: 0 }), /cannot rename active/);
  await call(bench.driver, "domainManagedSave", { dom, flags: 0 });
  bench.events.length = 0;
  await call(bench.driver, "domainRename", { dom, newName: "new", flags: 0 });
  assert.deepEqual(bench.events, ["hello -1: undefined 1", "new -1: defined 2"]);
  await bench.driver.close();
  await bench.openDriver();
  const { dom: renamed } = await call(bench.driver, "domainLookupByName", { name: "new" });
  assert.equal(renamed.uuid, dom.uuid);
  await assert.rejects(call(bench.driver, "domainLookupByName", { name: "hello" }), /no domain with matching name/);
});
