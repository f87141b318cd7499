import type { Loop } from "../../../src/event/index.ts";
import type { Script } from "../virsh/script-file.ts";
import { type Outcome, run } from "../virsh/side.ts";
import { Watcher } from "../virsh/watcher.ts";

/** A daemon to be asked, the same one for all scripts. */
export interface Asked {
  readonly socket: string;
  /** Resolves when what has happened has been told. */
  settled?(): Promise<void>;
}

/**
 * Runs each line as a virsh of its own in `directory`. The last one has all events: they may come behind a reply, and in
 * whose time is chance; their order is not.
 */
export async function talk(
  loop: Loop,
  asked: Asked,
  script: Script,
  directory: string,
  driver: "qemu" | "xen" = "qemu",
): Promise<Outcome[]> {
  const { socket } = asked;
  const watcher = new Watcher(loop, socket, `${driver}:///system`);
  await watcher.open();
  try {
    const outcomes: Outcome[] = [];
    for (const [at, line] of script.lines.entries()) {
      const place = line.replaceAll("PLACE", directory);
      const done = await run(`${driver}+unix:///system?socket=${socket}`, directory, place);
      const isLast = at === script.lines.length - 1;
      if (isLast) await lastEvents(asked, watcher);
      const events = isLast ? watcher.lines.splice(0) : [];
      outcomes.push(normalise({ ...done, events }, [directory, socket]));
    }
    return outcomes;
  } finally {
    watcher.close();
  }
}

/** What has happened is told in a turn after it is safe. */
async function lastEvents(asked: Asked, watcher: Watcher): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await asked.settled?.();
    await watcher.flush();
  }
}

/** Takes out what has to differ: places, processes, numbers of runs, times and counters. */
function normalise(outcome: Outcome, places: readonly string[]): Outcome {
  const clean = (text: string): string => {
    let result = text;
    for (const place of places) result = result.replaceAll(place, "PLACE");
    return changing.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), result);
  };
  const events = outcome.events.map((event) => clean(event).replace(/"id":\d+/, '"id":"ID"'));
  return { ...outcome, stdout: clean(outcome.stdout), stderr: clean(outcome.stderr), events };
}

const changing: readonly (readonly [RegExp, string])[] = [
  [/[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}/g, "UUID"],
  [/^(CPU time: +)\d+\.\d+s/gm, "$1TIMEs"],
  [/^(Id: +)\d+/gm, "$1ID"],
  [/^ +\d+ +(\S+ +(?:running|paused|in shutdown))$/gm, " ID   $1"],
  [/^( Id) +(Name +State)$/gm, "$1   $2"],
  [/^-{10,}$/gm, "----------"],
  // On a machine that is busy enough an answer may be late.
  [/^  virtwright\.age=\d+\n/gm, ""],
  // How much room a file takes is the file system's to say.
  [/^((?:Allocation|Physical): +)\d+$/gm, "$1SIZE"],
  [/^( \w+ +\d+ +)\d+( +)\d+$/gm, "$1SIZE$2SIZE"],
  [/^(  block\.\d+\.(?:allocation|physical)=)\d+$/gm, "$1SIZE"],
  // What libvirtd 9.0 takes for the host's memory varies where the kernel tells nothing of NUMA.
  [/^(Memory size: +)\d+ KiB$/gm, "$1SIZE"],
  [/^CPU frequency: .*\n/gm, ""],
  // `freecell`: what is free depends on who asks.
  [/^((?: +\d+|Total): +)\d+ KiB$/gm, "$1SIZE"],
  [/(<domain type='\w+') id='\d+'/g, "$1 id='ID'"],
  [/\/dev\/pts\/\d+/g, "/dev/pts/N"],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?(\+0000|Z)?/g, "DATE"],
  [/^(rss|last_update|actual_rss) \d+$/gm, "$1 COUNT"],
  // The firmware reads when it comes to that.
  [/^(\w* (?:rd_req|rd_bytes|(?:rd|wr|flush)_total_times)) \d+$/gm, "$1 COUNT"],
  [/^( (?:number of (?:read operations|bytes read)|total duration of \w+ \(ns\)): +)\d+$/gm, "$1COUNT"],
  [
    /(\.(?:time|wait|delay|rss|times|system|user|last-update|rd\.reqs|rd\.bytes|halted\.sum|exits\.sum)=)\d+$/gm,
    "$1COUNT",
  ],
  [/("id":"libvirt-|"id": "libvirt-)\d+/g, "$1N"],
  [/^(CPU:  +)\d+$/gm, "$1CPU"],
  [/^\d+( \S+)$/gm, "ID$1"],
  [/(\[)[ \d]{3}( %\])/g, "$1 N $2"],
];
