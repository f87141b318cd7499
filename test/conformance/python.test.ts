import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { Ours } from "./ours.ts";
import { type Answer, answersOf, python } from "./python/script.ts";
import { libvirtd, Teacher } from "./virsh/teacher.ts";

/** Questions of a script that are known to be answered differently. */
interface Difference {
  readonly script: string;
  /** Each with " #2" behind it where it is the second with this key, and so on. */
  readonly keys: readonly string[];
  readonly reason: string;
}

const folder = join(import.meta.dirname, "python");
const module = "asking.py";
const scripts = readdirSync(folder).filter((name) => name.endsWith(".py") && name !== module);
const known = JSON.parse(readFileSync(join(folder, "differences.json"), "utf8")) as Difference[];
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
      const [theirs = new Map(), ours = new Map()] = (await Promise.all(runs)).map(byKey);
      assert.ok(theirs.size > 15, `${theirs.size} answers`);
      const differing = [...new Set([...theirs.keys(), ...ours.keys()])].filter(
        (key) => theirs.get(key) !== ours.get(key),
      );
      const expected = known.filter((each) => each.script === script).flatMap(({ keys }) => keys);
      const surprises = differing
        .filter((key) => !expected.includes(key))
        .map((key) => ({ key, theirs: shorten(theirs.get(key)), ours: shorten(ours.get(key)) }));
      const gone = expected.filter((key) => !differing.includes(key)).map((key) => ({ key, differs: "no more" }));
      test.diagnostic(`${theirs.size - differing.length} of ${theirs.size} answers are identical`);
      assert.equal(JSON.stringify([...surprises, ...gone], null, 2), "[]");
    });
  }
});

/** The second answer with a key has " #2" behind it, and so on. */
function byKey(answers: readonly Answer[]): Map<string, string> {
  const counts = new Map<string, number>();
  const values = new Map<string, string>();
  for (const { key, value } of answers) {
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    values.set(count === 1 ? key : `${key} #${count}`, value);
  }
  return values;
}

function shorten(value: string | undefined): string | undefined {
  return value !== undefined && value.length > 1_000 ? `${value.slice(0, 1_000)}...` : value;
}

function whyNot(): string | false {
  if (!existsSync(libvirtd)) return `no ${libvirtd}: apt-get install libvirt-daemon`;
  const has = spawnSync(python, ["-c", "import libvirt"]).status === 0;
  return has ? false : `no libvirt for ${python}: apt-get install python3-libvirt`;
}
