import { execFile } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Loop } from "../../../src/event/index.ts";
import { type Script, wordsOf } from "./script-file.ts";
import { Watcher } from "./watcher.ts";

/** What a command line has led to. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
  /** The events that had happened when it was done, in their order. */
  readonly events: readonly string[];
}

/** A hypervisor to be asked, fresh for each script. */
export interface Side {
  readonly socket: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export const virsh = "/usr/bin/virsh";

/** Runs each line as a virsh of its own, in a new directory below `parent` that holds the files of `inputs`. */
export async function runScript(
  loop: Loop,
  side: Side,
  script: Script,
  parent: string,
  inputs: URL,
): Promise<Outcome[]> {
  const directory = mkdtempSync(join(parent, "work-"));
  cpSync(inputs, directory, { recursive: true });
  chmodSync(directory, 0o777);
  await side.start();
  try {
    const watcher = new Watcher(loop, side.socket);
    await watcher.open();
    const outcomes: Outcome[] = [];
    for (const line of script.lines) {
      const done = await run(`test+unix:///default?socket=${side.socket}`, directory, line);
      await watcher.flush();
      const raw = { ...done, events: watcher.lines.splice(0) };
      outcomes.push(normalise(raw, [directory, side.socket]));
    }
    watcher.close();
    return outcomes;
  } finally {
    await side.stop();
    rmSync(directory, { recursive: true });
  }
}

/** The status of a virsh that did not end by itself. */
export const killed = -1;
const watching: ReadonlySet<string | undefined> = new Set(["save", "managedsave", "dump", "migrate"]);

/**
 * virsh waits for ever when its thread that saves, dumps or migrates has failed before the other begins to wait: it is to be
 * asked again, as nothing has been done.
 */
export function isStuck(verb: string | undefined, status: number): boolean {
  return status === killed && watching.has(verb);
}

/** One virsh. */
export async function run(uri: string, directory: string, line: string): Promise<Omit<Outcome, "events">> {
  const words = wordsOf(line);
  for (let tries = 1; ; tries++) {
    const outcome = await runOnce(uri, directory, words);
    if (!isStuck(words[0], outcome.code) || tries === 3) return outcome;
  }
}

function runOnce(uri: string, directory: string, words: readonly string[]): Promise<Omit<Outcome, "events">> {
  const args = ["-c", uri, ...words];
  const env = { LC_ALL: "C", PATH: "/usr/bin:/bin", HOME: directory, TZ: "UTC" };
  return new Promise((resolve) => {
    const child = execFile(virsh, args, { cwd: directory, timeout: 20_000, env }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : killed;
      resolve({ stdout, stderr, code });
    });
    child.stdin?.end();
  });
}

/** Takes out what has to differ: where things are, and what time it is. */
function normalise(outcome: Outcome, places: readonly string[]): Outcome {
  const clean = (text: string): string => {
    let result = text;
    for (const place of places) result = result.replaceAll(place, "PLACE");
    return times.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), result);
  };
  const events = outcome.events.map((event) => event.replaceAll(drawnUuid, "UUID"));
  return { ...outcome, stdout: clean(outcome.stdout), stderr: clean(outcome.stderr), events };
}

/** One that was given to an object that had none. */
const drawnUuid = /[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}/g;

/** Counters of the test hypervisor are made from the clock; digits in a row stay together. */
const times: readonly (readonly [RegExp, string])[] = [
  [drawnUuid, "UUID"],
  [/^(CPU time: +)\d+\.\d+s/gm, "$1TIMEs"],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000/g, "DATE"],
  [/(<creationTime>)\d+/g, "$1TIME"],
  [/^(\w+ (?:rd|wr|rx|tx|errs)\w* )\d+$/gm, "$1COUNT"],
  [/^( number of [\w ]+: +| error count: +)\d+$/gm, "$1COUNT"],
  [/^(Time: |Domain snapshot )1[789]\d{8}\b/gm, "$1TIME"],
];
