import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { judgeAnswers, knownDifferences } from "./python/answers.ts";
import { answersAt } from "./python/script.ts";
import { PrivateLibvirtd } from "./qemu/private-libvirtd.ts";
import { IsolatedDaemon } from "./resources/isolated-daemon.ts";
import { Comparison } from "./virsh/comparison.ts";
import { readScripts, type Script } from "./virsh/script-file.ts";
import { type Outcome, run } from "./virsh/side.ts";
import { Watcher } from "./virsh/watcher.ts";

const place = new URL("resources/", import.meta.url);
const scripts = readScripts(new URL("scripts.txt", place));
const comparison = new Comparison(new URL("differences.json", place));
const programs = ["/usr/bin/virsh", "/usr/sbin/libvirtd", "/usr/bin/qemu-img", "/usr/sbin/dnsmasq", "/usr/sbin/nft"];
const missing = programs.filter((path) => !existsSync(path));
const absent =
  missing.length > 0 ? `no ${missing.join(", ")}: see pretest in package.json for the packages` : undefined;
const skip = absent ?? PrivateLibvirtd.obstacle ?? IsolatedDaemon.obstacle ?? false;

describe("virsh about networks and storage, against libvirtd and us", { skip, timeout: 300_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "vw-res-"));
  const teacher = new PrivateLibvirtd(join(directory, "libvirtd"), { ownNetwork: true });
  const ours = new IsolatedDaemon(join(directory, "ours"));
  let loop: Loop;

  before(async () => {
    loop = openLoop();
    await Promise.all([teacher.start(), ours.start()]);
  });

  after(async () => {
    await Promise.all([teacher.stop(), ours.stop()]);
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  for (const script of scripts) {
    it(`ends the same: ${script.name}`, async () => {
      const sides = [teacher, ours].map(({ socket }, at) => talk(loop, socket, script, join(directory, `work-${at}`)));
      const [theirs = [], our = []] = await Promise.all(sides);
      comparison.judge(script, theirs.map(withoutItsEnd), our);
    });
  }

  it("answers python's libvirt the same", async (test) => {
    const script = join(place.pathname, "objects.py");
    const asked = [teacher, ours].map(({ socket }, at) => {
      const work = join(directory, `python-${at}`);
      mkdirSync(join(work, "pool"), { recursive: true });
      const answers = answersAt([script, `qemu+unix:///system?socket=${socket}`, work], neverStops);
      return answers.then((all) => all.map(({ key, value }) => ({ key, value: value.replaceAll(work, "PLACE") })));
    });
    const [theirs = [], our = []] = await Promise.all(asked);
    test.diagnostic(judgeAnswers(knownDifferences(new URL("python-differences.json", place)), "objects", theirs, our));
  });

  it("is the same for at least 90 % of the command lines", (test) => {
    const { lines, identical, share } = comparison;
    test.diagnostic(`${identical} of ${lines} command lines are identical (${share})`);
    assert.ok(identical >= 0.9 * lines, `${identical} of ${lines}`);
  });
});

function neverStops(): never {
  throw new Error("no script may stop this daemon");
}

/** Each line is a virsh of its own, in a new directory with the files of xml/; PLACE stands for that directory. */
async function talk(loop: Loop, socket: string, script: Script, directory: string): Promise<Outcome[]> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory);
  const inputs = new URL("xml/", place);
  for (const name of readdirSync(inputs)) {
    const text = readFileSync(new URL(name, inputs), "utf8");
    writeFileSync(join(directory, name), text.replaceAll("PLACE", directory));
  }
  const watcher = new Watcher(loop, socket, "qemu:///system", ["network", "pool"]);
  await watcher.open();
  try {
    const outcomes: Outcome[] = [];
    for (const line of script.lines) {
      const uri = `qemu+unix:///system?socket=${socket}`;
      const done = await run(uri, directory, line.replaceAll("PLACE", directory));
      await watcher.flush();
      // libvirtd tells that somewhat later, from a thread of its own.
      if (line.startsWith("vol-upload")) await firstLine(watcher);
      const events = watcher.lines.splice(0).map((event) => normalise(event, directory));
      const [stdout, stderr] = [normalise(done.stdout, directory), normalise(done.stderr, directory)];
      outcomes.push({ ...done, stdout, stderr, events });
    }
    return outcomes;
  } finally {
    watcher.close();
  }
}

/** Waits for something to be told, for at most half a second. */
async function firstLine(watcher: Watcher): Promise<void> {
  for (let rounds = 0; watcher.lines.length === 0 && rounds < 25; rounds++) {
    await sleep(20);
    await watcher.flush();
  }
}

/** Takes out what has to differ: places, numbers that are drawn, times, and how full a file system is. */
function normalise(text: string, directory: string): string {
  return changing.reduce(
    (rest, [pattern, replacement]) => rest.replace(pattern, replacement),
    text.replaceAll(directory, "PLACE"),
  );
}

const changing: readonly (readonly [RegExp, string])[] = [
  [/[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}/g, "UUID"],
  [/52:54:00(?::[\da-f]{2}){3}(?='\/>\n {2}<(?:domain|ip|dns)|'\/>\n<\/network)/g, "MAC"],
  [/(<([amc])time>)[\d.]+/g, "$1TIME"],
  [/(<(?:allocation|available) unit='bytes'>)\d{10,}/g, "$1SIZE"],
  [/^((?:Allocation|Available): +)[\d.]+ (?:[GT]iB)/gm, "$1SIZE"],
  [/( [\d.]+ [GT]iB)( +)[\d.]+ [GT]iB( +)[\d.]+ [GT]iB/g, "$1$2SIZE$3SIZE"],
];

/** libvirtd now and then closes the connection whose stream it has refused; what it has refused counts. */
function withoutItsEnd(outcome: Outcome): Outcome {
  return { ...outcome, stderr: outcome.stderr.replace(/^error: Disconnected from .* due to I\/O error\n/m, "") };
}
