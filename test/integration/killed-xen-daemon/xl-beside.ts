import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { DomainState } from "../../../src/protocol/index.ts";
import type { DaemonClient } from "../killed-daemon/daemon-client.ts";

const run = promisify(execFile);
const uuid = "55555555-6666-7777-8888-000000000000";
/** As a list of ours has it: name and state; the number tells one run from the next. */
interface Seen {
  readonly name: string;
  readonly state: number;
  readonly id: number;
}

interface XlStep {
  readonly words: readonly string[];
  /** How the guest is then seen. `before`: how it was. */
  readonly shows: (now: Seen | undefined, before: Seen | undefined) => boolean;
  /** xl has only asked for it, and the guest does it in its own time. */
  readonly isAsked?: boolean;
}

const { running, paused } = DomainState;
const runsAs =
  (name: string): XlStep["shows"] =>
  (now) =>
    now?.name === name && now.state === running;

const steps = (file: string): readonly XlStep[] => [
  { words: ["create", "-q", file], shows: runsAs("theirs") },
  { words: ["pause", "theirs"], shows: (now) => now?.state === paused },
  { words: ["unpause", "theirs"], shows: runsAs("theirs") },
  { words: ["rename", "theirs", "renamed"], shows: runsAs("renamed") },
  {
    words: ["reboot", "renamed"],
    shows: (now, before) => now?.id !== before?.id && now?.state === running,
    isAsked: true,
  },
  { words: ["destroy", uuid], shows: (now) => now === undefined },
];

/** What xl has done is to be seen so soon. */
const limitMs = 1_000;
const patienceMs = 60_000;

/** A guest that xl takes through its life beside our daemon. Resolves with what is seen late, or not at all, in words. */
export async function lookBeside(client: DaemonClient, directory: string, kernel: string): Promise<string[]> {
  const file = join(directory, "theirs");
  writeFileSync(file, `name="theirs"\nuuid="${uuid}"\nkernel="${kernel}"\nmemory=16\non_reboot="restart"\n`);
  const found: string[] = [];
  for (const { words, shows, isAsked } of steps(file)) {
    const before = await look(client);
    await run("xl", withNumber(words, before));
    const begun = performance.now();
    let now = await look(client);
    for (; !shows(now, before) && performance.now() - begun < patienceMs; now = await look(client)) await sleep(20);
    const ms = Math.round(performance.now() - begun);
    process.stderr.write(`xl ${words[0]}: seen after ${ms} ms\n`);
    if (!shows(now, before)) found.push(`xl ${words.join(" ")} is not seen: ${JSON.stringify(now)}`);
    else if (isAsked !== true && ms > limitMs) found.push(`xl ${words.join(" ")} is seen after ${ms} ms`);
  }
  return found;
}

/** xl knows domains by name and number. */
function withNumber(words: readonly string[], seen: Seen | undefined): string[] {
  return words.map((word) => (word === uuid ? String(seen?.id) : word));
}

async function look({ call }: DaemonClient): Promise<Seen | undefined> {
  const { domains } = await call.connectListAllDomains({ needResults: 1, flags: 0 });
  const dom = domains.find((each) => each.uuid === uuid);
  if (dom === undefined) return undefined;
  const state = await call.domainGetState({ dom, flags: 0 }).then(
    (status) => status.state,
    () => undefined,
  );
  return state === undefined ? undefined : { name: dom.name, id: dom.id, state };
}
