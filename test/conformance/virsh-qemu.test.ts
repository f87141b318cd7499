import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { prepare } from "./qemu/inputs.ts";
import { OurDaemon } from "./qemu/our-daemon.ts";
import { PrivateLibvirtd } from "./qemu/private-libvirtd.ts";
import { talk } from "./qemu/talk.ts";
import { Comparison } from "./virsh/comparison.ts";
import { readScripts } from "./virsh/script-file.ts";
import { virsh } from "./virsh/side.ts";
import { libvirtd } from "./virsh/teacher.ts";

const scripts = readScripts(new URL("qemu/scripts.txt", import.meta.url));
const comparison = new Comparison(new URL("qemu/differences.json", import.meta.url));
const missing = [virsh, libvirtd, "/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-img"].find((path) => !existsSync(path));
const skip = missing === undefined ? (PrivateLibvirtd.obstacle ?? false) : `${missing} is missing`;

describe("virsh against libvirt's QEMU driver and ours", { skip, timeout: 300_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "vwq-"));
  const place = (name: string): string => join(directory, name);
  let loop: Loop;
  let teacher: PrivateLibvirtd;
  let ours: OurDaemon;

  before(async () => {
    // For QEMUs that are not root.
    chmodSync(directory, 0o755);
    loop = openLoop();
    mkdirSync(place("ours"));
    teacher = new PrivateLibvirtd(place("teacher"));
    ours = new OurDaemon(loop, place("ours"));
    await Promise.all([teacher.start(), ours.start()]);
  });

  after(async () => {
    await teacher.stop();
    await ours.stop();
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  for (const script of scripts) {
    it(`ends the same: ${script.name}`, async () => {
      const runs = [teacher, ours].map((side, index) => {
        const inputs = place(`inputs-${index}`);
        prepare(inputs);
        return talk(loop, side, script, inputs);
      });
      // Both are done before the next script begins, even if one has failed.
      await Promise.allSettled(runs);
      const [theirs = [], own = []] = await Promise.all(runs);
      comparison.judge(script, theirs, own);
    });
  }

  it("is the same for at least 90 % of at least 150 command lines", (test) => {
    const { lines, identical, share } = comparison;
    test.diagnostic(`${identical} of ${lines} command lines are identical (${share})`);
    assert.ok(lines >= 150 && identical >= 0.9 * lines, `${identical} of ${lines}`);
  });

  it("has warned of nothing", () => assert.deepEqual(ours.warnings, []));
});
