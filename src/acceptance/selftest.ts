import {
  type Connection,
  DomainDefinition as Definition,
  type Domain,
  type DomainDefinition,
  domain,
} from "../client/index.ts";
import { EventRecord } from "./event-record.ts";
import { type FullPlace, GuestRound, patienceMs, type RoundSetting, type StepResult } from "./guest-round.ts";
import { oracles } from "./oracle.ts";

export interface SelftestOptions {
  /** Guests at once. Default 1. */
  readonly domains?: number;
  /** How often each goes round. Default 1. */
  readonly rounds?: number;
  /** What guests are like: name and uuid are given to each. Default: the least that the driver takes; Xen has none. */
  readonly definition?: string;
  /** What the guest says on its console when it would obey its power button. */
  readonly ready?: string;
  /** Behind that there is a shell on its console: it is asked whether it has kept its memory. */
  readonly shell?: boolean;
  /** A directory in which no image has room, on the hypervisor's host. */
  readonly full?: string;
  /** For images and dumps, on the hypervisor's host. Default "/tmp". */
  readonly directory?: string;
  /** For each step, in ms. Default 30,000. */
  readonly deadlineMs?: number;
  /** See `RoundSetting`. */
  readonly signal?: RoundSetting["signal"];
  /** Removes a file on the hypervisor's host; default: it stays. */
  readonly remove?: RoundSetting["remove"];
  /** The names of the files in a directory on the hypervisor's host; default: what is left there is not looked at. */
  readonly list?: (directory: string) => Promise<readonly string[]>;
  /** Hears of each step when it is over. */
  readonly onStep?: (result: StepResult) => void;
  /** Milliseconds. Default: the system's clock. */
  readonly now?: () => number;
}

export interface SelftestResult {
  readonly driver: string;
  readonly steps: readonly StepResult[];
  /** What is there now and was not before, or the other way round. */
  readonly leaks: readonly string[];
  readonly ok: boolean;
}

/**
 * Guests through all that there is, against any connection: ours or libvirt's. Each step is checked against the state, the
 * events, and the runs before. Rejects when there is no oracle for the driver, or nothing can be asked at all.
 */
export async function selftest(connection: Connection, options: SelftestOptions = {}): Promise<SelftestResult> {
  const driver = await connection.getType();
  const oracle = oracles[driver];
  if (oracle === undefined)
    throw new Error(`there is no oracle for ${driver}; there are: ${Object.keys(oracles).join(", ")}`);
  const { domains = 1, rounds = 1, deadlineMs = 30_000, directory = "/tmp" } = options;
  const before = await inventory(connection);
  const guests = Array.from({ length: domains }, (_, index) => guestDefinition(driver, options.definition, index));
  const records = new Map(guests.map((each) => [each.uuid, new EventRecord()]));
  await using subscription = connection.events(["lifecycle", "reboot", "balloonChange"]);
  await subscription.ready;
  subscription.on(
    (event) => records.get(event.domain.uuid)?.add(event),
    (cause) => {
      for (const record of records.values()) record.fail(cause);
    },
  );
  const results: StepResult[] = [];
  const report = (result: StepResult): void => {
    results.push(result);
    options.onStep?.(result);
  };
  const { ready, signal, full, remove = async () => {}, now = () => performance.now() } = options;
  const guest = { ready, hasShell: options.shell === true && ready !== undefined };
  const place = full === undefined ? undefined : { path: full, inTurn: turns() };
  // libvirtd begins five calls of a client at once, and the other guests' take their time.
  const otherCallMs = domains === 1 ? patienceMs : deadlineMs;
  const runAll = async (definition: DomainDefinition): Promise<void> => {
    const events = records.get(definition.uuid) as EventRecord;
    const world = { connection, oracle, directory, full: place, otherCallMs, deadlineMs, signal, remove, now };
    const setting = { ...world, ...guest, definition, events };
    const ids: number[] = [];
    for (let round = 1; round <= rounds; round++) await new GuestRound(setting, round, ids, report).run();
  };
  await Promise.all(guests.map(runAll));
  const leaks = await leaksSince(before, connection);
  for (const { name, uuid } of guests) {
    // It does nothing to a process that runs, and says whether there is one.
    if ((await signal?.(uuid as string, "SIGCONT")) === true) leaks.push(`left behind: the process of ${name}`);
  }
  for (const where of full === undefined ? [directory] : [directory, full]) {
    const files = (await options.list?.(where)) ?? [];
    const left = files.filter((file) => guests.some(({ name }) => file.startsWith(name)));
    leaks.push(...left.map((file) => `left behind: ${where}/${file}`));
  }
  const ok = leaks.length === 0 && results.every(({ outcome }) => outcome !== "failed");
  return { driver, steps: results, leaks, ok };
}

/** One after the other, in the order of asking. */
function turns(): FullPlace["inTurn"] {
  let last: Promise<void> = Promise.resolve();
  return (use) => {
    last = last.then(use);
    return last;
  };
}

function guestDefinition(driver: string, text: string | undefined, index: number): DomainDefinition {
  const uuid = crypto.randomUUID();
  const name = `selftest-${uuid.slice(0, 8)}-${index + 1}`;
  const base = text === undefined ? leastDefinition(driver, name) : Definition.parse(text).with({ name });
  return base.with({ uuid });
}

/** So that it runs, and no more. */
function leastDefinition(driver: string, name: string): DomainDefinition {
  if (driver === "QEMU")
    return domain({ name, type: "qemu", memory: "64MiB", vcpus: { maximum: 2, current: 1 }, console: "pty" });
  if (driver === "Xen") throw new Error("a guest of Xen needs a kernel or a disk to start from: give a definition");
  return domain({ name, type: "test", memory: "64MiB", vcpus: 2 });
}

/** What a connection has, in words that can be compared. */
async function inventory(connection: Connection): Promise<ReadonlySet<string>> {
  const describe = async (each: Domain): Promise<string> =>
    `domain ${each.name} ${each.uuid} ${(await each.status()).state}`;
  return new Set(await Promise.all((await connection.domains()).map(describe)));
}

/** A hypervisor that has died meanwhile has kept nobody's word. */
async function leaksSince(before: ReadonlySet<string>, connection: Connection): Promise<string[]> {
  try {
    return difference(before, await inventory(connection));
  } catch (error) {
    return [`what is left cannot be asked: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function difference(before: ReadonlySet<string>, after: ReadonlySet<string>): string[] {
  const left = [...after].filter((each) => !before.has(each)).map((each) => `left behind: ${each}`);
  return [...left, ...[...before].filter((each) => !after.has(each)).map((each) => `missing: ${each}`)];
}
