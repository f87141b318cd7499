import assert from "node:assert/strict";
import { test } from "node:test";
import { Monitor, Transcript } from "../../src/qmp/index.ts";
import { FakeQemu } from "./fake-qemu.ts";
import { HandLoop } from "./hand-host.ts";

test("the last lines of both sides are kept, the oldest go", () => {
  const transcript = new Transcript({ entries: 3 });
  for (const id of [1, 2, 3, 4, 5]) transcript.add(id * 1_000, id % 2 === 0 ? "us" : "QEMU", { id });
  assert.equal(transcript.toString(), '3.000 < {"id":3}\n4.000 > {"id":4}\n5.000 < {"id":5}');
});

test("what is secret is not in it, at whatever depth, and what is long is cut", () => {
  const transcript = new Transcript({ longest: 200 });
  transcript.add(0, "us", { execute: "set_password", arguments: { protocol: "vnc", password: "tulip" } });
  transcript.add(0, "us", { execute: "object-add", arguments: { props: { data: "tulip", format: "base64" } } });
  transcript.add(0, "us", {
    execute: "human-monitor-command",
    arguments: { "command-line": "change vnc password tulip" },
  });
  transcript.add(0, "QEMU", { return: "x".repeat(1_000) });
  const text = transcript.toString();
  assert.ok(!text.includes("tulip"), text);
  assert.match(text, /\(5 characters hidden\)/);
  assert.match(text, /x\.\.\. \(\d+ characters\)$/);
});

test("a monitor writes down all it says and hears", async () => {
  const hand = new HandLoop();
  const qemu = new FakeQemu(hand.loop);
  const monitor = new Monitor(hand.loop, qemu);
  const opened = monitor.open();
  qemu.greet();
  qemu.reply();
  await opened;
  qemu.event("STOP");
  const text = monitor.transcript.toString();
  assert.deepEqual(
    text.split("\n").map((line) => line.slice(0, 20)),
    ['0.000 < {"QMP":{"ver', '0.000 > {"execute":"', '0.000 < {"return":{}', '0.000 < {"event":"ST'],
  );
});
