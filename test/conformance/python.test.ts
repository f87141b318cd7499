import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { Ours } from "./ours.ts";
import { judgeAnswers, knownDifferences } from "./python/answers.ts";
import { answersOf, python } from "./python/script.ts";
import { libvirtd, Teacher } from "./virsh/teacher.ts";

const folder = join(import.meta.dirname, "python");
const module = "asking.py";
const scripts = readdirSync(folder).filter((name) => name.endsWith(".py") && name !== module);
const known = knownDifferences(join(folder, "differences.json"));
const skip = whyNot();

describe("python's libvirt with libvirt's test hypervisor and ours", { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-python-"));
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

  for (const name of scripts) {
    const script = name.replace(/\.py$/, "");
    it(`gets the same answers: ${script}`, async (test) => {
      const runs = [teacher, new Ours(loop, directory)].map((side) => answersOf(side, join(folder, name)));
      // Both have let go of what they hold before the next script begins, even if one has failed.
      await Promise.allSettled(runs);
      const [theirs = [], ours = []] = await Promise.all(runs);
      test.diagnostic(judgeAnswers(known, script, theirs, ours));
    });
  }
});

function whyNot(): string | false {
  if (!existsSync(libvirtd)) return `no ${libvirtd}: apt-get install libvirt-daemon`;
  const has = spawnSync(python, ["-c", "import libvirt"]).status === 0;
  return has ? false : `no libvirt for ${python}: apt-get install python3-libvirt`;
}
