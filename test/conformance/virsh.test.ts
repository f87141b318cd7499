import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { Ours } from "./ours.ts";
import { Comparison } from "./virsh/comparison.ts";
import { readScripts } from "./virsh/script-file.ts";
import { runScript, virsh } from "./virsh/side.ts";
import { libvirtd, Teacher } from "./virsh/teacher.ts";

const inputs = new URL("virsh/xml/", import.meta.url);
const scripts = readScripts(new URL("virsh/scripts.txt", import.meta.url));
const comparison = new Comparison(new URL("virsh/differences.json", import.meta.url));
const missing = [virsh, libvirtd].filter((path) => !existsSync(path));
const skip = missing.length === 0 ? false : `no ${missing.join(", ")}: apt-get install libvirt-clients libvirt-daemon`;

describe("virsh against libvirt's test hypervisor and ours", { skip, timeout: 600_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-virsh-"));
  let loop: Loop;
  let teacher: Teacher;

  before(() => {
    // For a libvirtd that is nobody.
    chmodSync(directory, 0o755);
    loop = openLoop();
    teacher = new Teacher(join(directory, "teacher"));
  });

  after(async () => {
    await teacher.stop();
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  for (const script of scripts) {
    it(`ends the same: ${script.name}`, async () => {
      const runs = [teacher, new Ours(loop, directory)].map((side) => runScript(loop, side, script, directory, inputs));
      // Both have let go of what they hold before the next script begins, even if one has failed.
      await Promise.allSettled(runs);
      const [theirs = [], ours = []] = await Promise.all(runs);
      comparison.judge(script, theirs, ours);
    });
  }

  it("is the same for at least 95 % of at least 350 command lines", (test) => {
    const { lines, identical, share } = comparison;
    test.diagnostic(`${identical} of ${lines} command lines are identical (${share}); the others are listed`);
    assert.ok(lines >= 350 && identical >= 0.95 * lines, `${identical} of ${lines}`);
  });
});
