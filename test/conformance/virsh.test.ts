import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { Ours } from "./ours.ts";
import { readScripts } from "./virsh/script-file.ts";
import { type Outcome, runScript, virsh } from "./virsh/side.ts";
import { libvirtd, Teacher } from "./virsh/teacher.ts";

/** A command line of a script that is known to end differently, in these parts. */
interface Difference {
  readonly script: string;
  readonly line: string;
  /** Counts from 1 where a script has the line more than once. Default 1. */
  readonly nth?: number;
  readonly in: readonly (keyof Outcome)[];
  readonly reason: string;
}

const inputs = new URL("virsh/xml/", import.meta.url);
const scripts = readScripts(new URL("virsh/scripts.txt", import.meta.url));
const known = JSON.parse(readFileSync(new URL("virsh/differences.json", import.meta.url), "utf8")) as Difference[];
const missing = [virsh, libvirtd].filter((path) => !existsSync(path));
const skip = missing.length === 0 ? false : `no ${missing.join(", ")}: apt-get install libvirt-clients libvirt-daemon`;

describe("virsh against libvirt's test hypervisor and ours", { skip, timeout: 600_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-virsh-"));
  const counts = { lines: 0, identical: 0 };
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
      const expected = known.filter((each) => each.script === script.name);
      const met = new Set<Difference>();
      const seen = new Map<string, number>();
      const surprises: unknown[] = [];
      for (const [index, line] of script.lines.entries()) {
        const [their, our] = [theirs[index], ours[index]];
        const nth = (seen.get(line) ?? 0) + 1;
        seen.set(line, nth);
        const parts = differing(their, our);
        counts.lines++;
        if (parts.length === 0) counts.identical++;
        const listed = expected.find((each) => each.line === line && (each.nth ?? 1) === nth);
        if (listed !== undefined) met.add(listed);
        if (String(parts) === String(listed?.in ?? [])) continue;
        const show = (outcome: Outcome | undefined) => Object.fromEntries(parts.map((part) => [part, outcome?.[part]]));
        surprises.push({ line, nth, listed: listed?.in ?? [], parts, theirs: show(their), ours: show(our) });
      }
      const stale = expected.filter((each) => !met.has(each));
      assert.equal(JSON.stringify([...surprises, ...stale], null, 2), "[]");
    });
  }

  it("is the same for at least 95 % of the command lines", (test) => {
    const { lines, identical } = counts;
    test.diagnostic(
      `${identical} of ${lines} command lines are identical (${((100 * identical) / lines).toFixed(1)} %)`,
    );
    assert.ok(identical >= 0.95 * lines, `${identical} of ${lines}`);
  });
});

function differing(theirs: Outcome | undefined, ours: Outcome | undefined): (keyof Outcome)[] {
  const parts = ["stdout", "stderr", "code", "events"] as const;
  return parts.filter((part) => JSON.stringify(theirs?.[part]) !== JSON.stringify(ours?.[part]));
}
