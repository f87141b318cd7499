import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Daemon } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { type Call, remote } from "../../src/protocol/index.ts";
import { type Answer, Prober } from "./coverage/probe.ts";
import { libvirtd, Teacher } from "./virsh/teacher.ts";

/** How the domain gets into each state. */
const states: Readonly<Record<string, readonly string[]>> = {
  running: [],
  paused: ["domainSuspend"],
  "shut off": ["domainShutdown"],
  "running and transient": ["domainUndefine"],
};

const bits = [0, 1, 2, 3, 4, 8, 16, 32];

/** They end the domain or its definition, or put it into another state: scripts of virsh are about these. And some differ. */
const excluded =
  /Destroy|Undefine|Shutdown|Create|Save|Rename|Reboot|Restore|Revert|Dump|Migrate|PmSuspend|Suspend|Resume|Snapshot|Screenshot|OpenGraphics$|OpenConsole$|(Attach|Detach|Update)Device/;

/** Results made from the clock. */
const unsteady = ["domainGetInfo", "domainGetVcpus", "domainBlockStats", "domainInterfaceStats"];

const asked = Object.entries(remote.procedures).filter((entry): entry is [string, Call] => {
  const [name, row] = entry;
  return row.kind === "call" && "dom" in row.args.fields && name.startsWith("domain") && !excluded.test(name);
});

const skip = existsSync(libvirtd) ? false : `no ${libvirtd}: apt-get install libvirt-daemon`;

describe("every flag of every call about a domain", { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-flags-"));
  let loop: Loop;
  let teacher: Teacher;

  before(async () => {
    // For a libvirtd that is nobody.
    chmodSync(directory, 0o755);
    loop = openLoop();
    teacher = new Teacher(join(directory, "teacher"));
    await teacher.start();
  });

  after(async () => {
    await teacher.stop();
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  for (const [state, steps] of Object.entries(states)) {
    it(`is answered as by libvirtd's test hypervisor: ${state}`, async (test) => {
      const driver = new TestDriver(loop);
      const daemon = new Daemon(loop, { drivers: [driver] });
      const path = join(directory, "ours-sock");
      daemon.listen({ path });
      const sides = [new Prober(loop, teacher.socket), new Prober(loop, path)];
      let count = 0;
      const surprises: unknown[] = [];
      try {
        for (const side of sides) await side.open();
        for (const step of steps) for (const side of sides) await side.ask(remote, step);
        for (const [name, { args }] of asked) {
          for (const flags of "flags" in args.fields ? bits : [0]) {
            const given = "flags" in args.fields ? { flags } : {};
            const [theirs, ours] = await Promise.all(sides.map((side) => side.ask(remote, name, given)));
            if (theirs === undefined || ours === undefined || isUnknown(theirs)) continue;
            count++;
            const [their, our] = [theirs, ours].map((answer) => readable(steady(name, answer)));
            if (their !== our) surprises.push({ name, flags, theirs: their, ours: our });
          }
        }
      } finally {
        for (const side of sides) await side.close();
        await daemon.close();
        await driver.close();
      }
      test.diagnostic(`${count} answers compared`);
      assert.equal(JSON.stringify(surprises, null, 2), "[]");
      assert.ok(count > 500, String(count));
    });
  }
});

function steady(name: string, answer: Answer): unknown {
  return answer.kind === "result" && unsteady.includes(name) ? Object.keys(answer.result as object) : answer;
}

function readable(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? `${each}n` : each));
}

/** A libvirtd that is older than the call. */
function isUnknown(answer: Answer): boolean {
  return answer.kind === "error" && answer.message.startsWith("unknown procedure");
}
