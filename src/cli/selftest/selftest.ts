import { mkdtempSync, readFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type SelftestOptions, type StepResult, selftest, tapBegin, tapEnd, tapStep } from "../../acceptance/index.ts";
import { type Connection, daemonSockets, open, parseUri } from "../../open/index.ts";
import { isSocketServed } from "../../os/index.ts";
import { UsageError } from "../usage-error.ts";
import { FullDisk } from "./full-disk.ts";
import { signalGuest } from "./guest-process.ts";

const usage = `usage: virtwright selftest [--connect URI] [--domains N] [--rounds K] [OPTIONS]

Guests through all that there is, on any hypervisor, ours or libvirt's. Each step is checked against the state, the events
and the runs before. Without a URI: the simulator, in this process.

  --connect URI        the hypervisor
  --embed              its driver in this process, on a directory of its own; so it is too where no daemon listens
  --domains N          guests at once (default 1)
  --rounds K           how often each goes round (default 1)
  --definition FILE    what guests are like; each gets a name and a uuid of its own
  --ready TEXT         what the guest says on its console when it obeys its power button
  --shell              and that there is a shell then: it is asked whether it has kept its memory
  --directory DIR      for images and dumps, on the hypervisor's host (default /tmp)
  --full DIR           a directory there in which nothing has room (default: as root a small disk is made for that)
  --deadline SECONDS   for each step (default 120)
  --json               one object for each step, and one for all of it, instead of TAP

Without them $VIRTWRIGHT_SELFTEST_QEMU or $VIRTWRIGHT_SELFTEST_XEN is the definition's file, and
$VIRTWRIGHT_SELFTEST_QEMU_READY or $VIRTWRIGHT_SELFTEST_XEN_READY what such a guest says.
`;

/** The test script of 2012, and the acceptance suite: 0 when all is right. */
export async function runSelftest(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      connect: { type: "string", short: "c" },
      embed: { type: "boolean" },
      domains: { type: "string", default: "1" },
      rounds: { type: "string", default: "1" },
      definition: { type: "string" },
      ready: { type: "string" },
      shell: { type: "boolean", default: false },
      directory: { type: "string" },
      full: { type: "string" },
      deadline: { type: "string", default: "120" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  const uri = values.connect ?? "test:///default";
  const { definition, ready } = guestFor(uri, values);
  await using parts = new AsyncDisposableStack();
  const connection = await connect(uri, values.embed ?? values.connect === undefined, parts);
  // Standard output is opened by the first word on it.
  process.stdout.write(values.json ? "" : tapBegin);
  const begun = resources();
  let number = 0;
  const onStep = (step: StepResult): void => {
    number++;
    process.stdout.write(values.json ? `${JSON.stringify(step)}\n` : tapStep(step, number));
  };
  const { directory = "/tmp" } = values;
  // Before the guests are: whoever serves them has to see it.
  const isMade = values.full === undefined && isHere(uri);
  using made = isMade ? FullDisk.mount(directory, await connection.getType()) : undefined;
  const full = values.full ?? made?.path;
  const here = { signal: signalGuest, remove: (path: string) => rm(path, { force: true }), list: readdir };
  const result = await selftest(connection, {
    domains: count("--domains", values.domains),
    rounds: count("--rounds", values.rounds),
    deadlineMs: count("--deadline", values.deadline) * 1000,
    ...(definition !== undefined && { definition: readFileSync(definition, "utf8") }),
    ...(ready !== undefined && { ready }),
    shell: values.shell,
    directory,
    ...(full !== undefined && { full }),
    ...(isHere(uri) && here),
    onStep,
  } satisfies SelftestOptions);
  const leaks = [...result.leaks, ...begun.leaks()];
  const ok = result.ok && leaks.length === 0;
  if (values.json) {
    const { length } = result.steps;
    process.stdout.write(`${JSON.stringify({ driver: result.driver, steps: length, leaks, ok })}\n`);
  } else process.stdout.write(tapEnd({ ...result, leaks }));
  return ok ? 0 : 1;
}

/** To the daemon, or to a driver in this process where there is none; what has been opened is closed with `parts`. */
async function connect(uri: string, isEmbedded: boolean, parts: AsyncDisposableStack): Promise<Connection> {
  const sockets = daemonSockets(uri);
  const isMissing = sockets.length > 0 && !sockets.some(isSocketServed);
  if (!isEmbedded && !isMissing) return parts.use(await open(uri));
  if (!isEmbedded) process.stderr.write(`no daemon listens for ${uri}: its driver runs in this process\n`);
  const directory = mkdtempSync(join(tmpdir(), "virtwright-"));
  parts.defer(() => rm(directory, { recursive: true, force: true }));
  return parts.use(await open(uri, { embed: { directory } }));
}

interface GuestFile {
  readonly definition?: string | undefined;
  readonly ready?: string | undefined;
}

/** What is given goes together: the surroundings' guest does not say what another's is to. */
function guestFor(uri: string, { definition, ready }: GuestFile): GuestFile {
  const name = `VIRTWRIGHT_SELFTEST_${parseUri(uri).driver.toUpperCase()}`;
  if (definition !== undefined || ready !== undefined) return { definition, ready };
  return { definition: process.env[name], ready: process.env[`${name}_READY`] };
}

/** Guests' files and processes are on this machine. */
function isHere(uri: string): boolean {
  const { transport, host } = parseUri(uri);
  return transport === "unix" && host === "";
}

function count(option: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError(`${option} ${text}: give a whole number, 1 or more`);
}

/** What this process holds open, by kind; more of a kind afterwards is a leak of ours. */
function resources(): { leaks(): string[] } {
  const held = (): Map<string, number> => {
    const kinds = new Map<string, number>();
    for (const kind of process.getActiveResourcesInfo()) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    return kinds;
  };
  const before = held();
  // Sockets, pipes and processes: timers run out, and what is asked of a file is answered, by themselves.
  const counted = (kind: string): boolean => kind.endsWith("Wrap");
  return {
    leaks: () =>
      [...held()].flatMap(([kind, now]) => {
        const more = now - (before.get(kind) ?? 0);
        return more > 0 && counted(kind) ? [`left behind in this process: ${more} ${kind}`] : [];
      }),
  };
}
