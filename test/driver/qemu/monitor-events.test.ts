import assert from "node:assert/strict";
import { closeSync, fstatSync, openSync } from "node:fs";
import { test } from "node:test";
import type { CallContext } from "../../../src/driver/driver.ts";
import { localContext } from "../../../src/driver/local-context.ts";
import { MonitorEvents } from "../../../src/driver/qemu/monitor-events.ts";
import { passthroughProcedures } from "../../../src/driver/qemu/procedures/passthrough.ts";
import { ErrorCode } from "../../../src/protocol/index.ts";
import { Bench } from "./bench.ts";

test("what a monitor says is heard as it is said, by those who listen then", async () => {
  const bench = new Bench();
  const events = new MonitorEvents(bench.guests);
  const domain = await bench.running();
  const heard: unknown[] = [];
  const leave = events.subscribe(({ dom, event, details }) => heard.push([dom.name, dom.id, event, details]));
  const { transport } = bench.host.last;
  transport.event("RESET", { guest: false });
  transport.event("STOP");
  leave();
  leave();
  transport.event("RESUME");
  await bench.hand.settle();
  assert.deepEqual(heard, [
    ["hello", domain.id, "RESET", '{"guest":false}'],
    ["hello", domain.id, "STOP", null],
  ]);
});

test("a listener that throws keeps nobody else from hearing", async () => {
  const bench = new Bench();
  const events = new MonitorEvents(bench.guests);
  await bench.running();
  const heard: string[] = [];
  events.subscribe(() => {
    throw new Error("no");
  });
  events.subscribe(({ event }) => heard.push(event));
  bench.host.last.transport.event("STOP");
  await bench.hand.settle();
  assert.deepEqual([heard, bench.reported.length], [["STOP"], 1]);
});

function withFds(fds: readonly number[]): CallContext {
  return { ...localContext(), takeFds: () => fds };
}

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

test("a descriptor goes with a command, and is closed here whatever the answer", async () => {
  const bench = new Bench();
  const { reference: dom } = await bench.running();
  const { domainMonitorCommandWithFiles } = passthroughProcedures(bench.guests);
  assert.ok(domainMonitorCommandWithFiles);
  const fd = openSync("/dev/null", "r");
  const cmd = '{"execute":"add-fd"}';
  const answer = Promise.resolve(domainMonitorCommandWithFiles({ dom, cmd, flags: 0 }, withFds([fd])));
  assert.deepEqual(await bench.done(answer), { result: '{"return":{},"id":"libvirt-1"}' });
  assert.equal(isOpen(fd), false);
});

test("more than one descriptor is refused before QEMU hears of it, and all are closed", async () => {
  const bench = new Bench();
  const { reference: dom } = await bench.running();
  const { domainMonitorCommandWithFiles } = passthroughProcedures(bench.guests);
  assert.ok(domainMonitorCommandWithFiles);
  const fds = [openSync("/dev/null", "r"), openSync("/dev/null", "r")];
  const before = bench.host.last.transport.commands.length;
  const cmd = '{"execute":"add-fd"}';
  const outcome = bench.watch(Promise.resolve(domainMonitorCommandWithFiles({ dom, cmd, flags: 0 }, withFds(fds))));
  await bench.hand.settle();
  assert.equal(outcome.error?.code, ErrorCode.invalidArg);
  assert.deepEqual(fds.map(isOpen), [false, false]);
  assert.equal(bench.host.last.transport.commands.length, before);
  for (const fd of fds) assert.throws(() => closeSync(fd));
});
