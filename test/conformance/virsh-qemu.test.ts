import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { prepare } from "./qemu/inputs.ts";
import { OurDaemon } from "./qemu/our-daemon.ts";
import { PrivateLibvirtd } from "./qemu/private-libvirtd.ts";
import { talk } from "./qemu/talk.ts";
import { readScripts } from "./virsh/script-file.ts";
import { type Outcome, virsh } from "./virsh/side.ts";
import { libvirtd } from "./virsh/teacher.ts";

/** A command line of a script that is known to end differently, in these parts. */
interface Difference {
  readonly script: string;
  readonly line: string;
  /** Counts from 1 where a script has the line more than once. Default 1. */
  readonly nth?: number;
  readonly in: readonly (keyof Outcome)[];
  readonly reason: string;
}

const scripts = readScripts(new URL("qemu/scripts.txt", import.meta.url));
const known = JSON.parse(readFileSync(new URL("qemu/differences.json", import.meta.url), "utf8")) as Difference[];
const missing = [virsh, libvirtd, "/usr/bin/qemu-system-x86_64", "/usr/bin/qemu-img"].find((path) => !existsSync(path));
const skip = missing === undefined ? (PrivateLibvirtd.obstacle ?? false) : `${missing} is missing`;

describe("virsh against libvirt's QEMU driver and ours", { skip, timeout: 300_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "vwq-"));
  const place = (name: string): string => join(directory, name);
  const counts = { lines: 0, identical: 0 };
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
      const expected = known.filter((each) => each.script === script.name);
      const met = new Set<Difference>();
      const seen = new Map<string, number>();
      const surprises: unknown[] = [];
      for (const [index, line] of script.lines.entries()) {
        const [their, our] = [theirs[index], own[index]];
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

  it("is the same for at least 90 % of at least 150 command lines", (test) => {
    const { lines, identical } = counts;
    const share = ((100 * identical) / lines).toFixed(1);
    test.diagnostic(`${identical} of ${lines} command lines are identical (${share} %)`);
    assert.ok(lines >= 150 && identical >= 0.9 * lines, `${identical} of ${lines}`);
  });

  it("has warned of nothing", () => assert.deepEqual(ours.warnings, []));
});

function differing(theirs: Outcome | undefined, ours: Outcome | undefined): (keyof Outcome)[] {
  const parts = ["stdout", "stderr", "code", "events"] as const;
  return parts.filter((part) => JSON.stringify(theirs?.[part]) !== JSON.stringify(ours?.[part]));
}
