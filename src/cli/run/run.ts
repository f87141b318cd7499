import { join } from "node:path";
import { ErrorCode, Lifecycle, VirError, type Domain as WireDomain } from "../../protocol/index.ts";
import type { Stream } from "../../rpc/index.ts";
import { parseXml } from "../../xml/index.ts";
import { ConsoleTerminal } from "../console-terminal.ts";
import { ending } from "../ending.ts";
import type { HypervisorSession } from "../hypervisor/hypervisor-session.ts";
import { type Reached, reach } from "../hypervisor/reach.ts";
import { writeSeed } from "./cloud-seed.ts";
import { runDefinition } from "./run-definition.ts";
import { type RunOptions, readRunOptions, runUsage } from "./run-options.ts";

/** Virt's bits: of starting, of looking up, of undefining (managed save, NVRAM). */
const startPaused = 1;
const undefineFlags = 1 | 4;

/** Why the console has ended. */
type Outcome = "stopped" | "left" | "told";

/** Returns the exit code: 1 when the guest crashed. */
export async function run(args: readonly string[]): Promise<number> {
  const options = readRunOptions(args);
  if (options === undefined) {
    process.stdout.write(runUsage);
    return 0;
  }
  const { connect, directory, remove: isPassing } = options;
  await using reached = await reach({ connect, directory, isPassing });
  const { call } = reached.session;
  const known = await find(reached.session, options.name);
  if (known !== undefined && known.id >= 0) {
    say(`guest '${options.name}' is running already: this is its console`);
    return await converse(options, reached, known, false);
  }
  const dom = await create(options, reached, known);
  try {
    return await converse(options, reached, dom, true);
  } finally {
    if (options.remove) await call.domainDestroy({ dom }).catch(ignoreEnded);
  }
}

/** Creates the guest, paused, so that nobody misses what it prints first. */
async function create(options: RunOptions, reached: Reached, known: WireDomain | undefined): Promise<WireDomain> {
  const { call } = reached.session;
  const seedPath = join(reached.guestDirectory, `${options.name}-seed.iso`);
  const seed = (await writeSeed(options, seedPath)) ? seedPath : undefined;
  const hasKvm = options.accelerator === "auto" && (await offersKvm(reached.session));
  const xml = runDefinition(options, { uuid: known?.uuid, hasKvm, seed });
  if (options.remove) {
    const { dom } = await call.domainCreateXml({ xmlDesc: xml, flags: startPaused });
    return dom;
  }
  const { dom } = await call.domainDefineXmlFlags({ xml, flags: 0 });
  try {
    return (await call.domainCreateWithFlags({ dom, flags: startPaused })).dom;
  } catch (error) {
    // What could not start even once is not kept.
    if (known === undefined) await call.domainUndefineFlags({ dom, flags: undefineFlags }).catch(() => undefined);
    throw error;
  }
}

async function converse(options: RunOptions, reached: Reached, dom: WireDomain, isNew: boolean): Promise<number> {
  const { session } = reached;
  const stopped = session.stopped(dom);
  const { stream } = await session.call.domainOpenConsole({ dom, devName: null, flags: 0 });
  const told = ending({ signals: ["SIGTERM", "SIGHUP", "SIGINT"] });
  say(`guest '${options.name}': its console; Ctrl-] leaves it`);
  let outcome: Outcome;
  {
    using terminal = new ConsoleTerminal({ input: process.stdin, output: process.stdout });
    const shown = showAll(terminal, stream);
    if (isNew) await session.call.domainResume({ dom });
    outcome = await Promise.race([
      stopped.then((): Outcome => "stopped"),
      terminal.left.then((): Outcome => "left"),
      told.then((): Outcome => "told"),
      session.lost,
    ]);
    // What the guest has printed last is still shown.
    if (outcome === "stopped") await Promise.race([shown, session.lost]);
    stream.abort();
  }
  process.stdout.write("\n");
  return report(options, reached, outcome, outcome === "stopped" ? await stopped : undefined);
}

/** The console of a guest that ends is lost in one way or another: that it has ended is told by its event. */
async function showAll(terminal: ConsoleTerminal, stream: Stream): Promise<void> {
  try {
    await terminal.show(stream);
  } catch (error) {
    if (!(error instanceof VirError)) throw error;
  }
}

function report(options: RunOptions, { address }: Reached, outcome: Outcome, detail: number | undefined): number {
  const { name } = options;
  if (outcome === "stopped") {
    const { failed, crashed } = Lifecycle.stopped.detail;
    const isFailure = detail === failed || detail === crashed;
    say(`guest '${name}' ${isFailure ? "has crashed" : "has ended"}`);
    return isFailure ? 1 : 0;
  }
  if (options.remove) say(`guest '${name}' is ended, and nothing of it is left but its disk`);
  else
    say(
      `guest '${name}' runs on; the same command comes back to it${address === undefined ? "" : `, or with a daemon: virsh -c '${address}' console ${name}`}`,
    );
  return 0;
}

async function find({ call }: HypervisorSession, name: string): Promise<WireDomain | undefined> {
  try {
    return (await call.domainLookupByName({ name })).dom;
  } catch (error) {
    if (error instanceof VirError && error.code === ErrorCode.noDomain) return undefined;
    throw error;
  }
}

/** Whether the hypervisor says that it runs guests of its own architecture with KVM. */
async function offersKvm({ call }: HypervisorSession): Promise<boolean> {
  const { capabilities } = await call.connectGetCapabilities({});
  const { root } = parseXml(capabilities);
  const arch = root.find("host", "cpu", "arch")?.text;
  return root
    .all("guest")
    .flatMap((guest) => guest.all("arch"))
    .filter((each) => each.attribute("name") === arch)
    .some((each) => each.all("domain").some((domain) => domain.attribute("type") === "kvm"));
}

function ignoreEnded(error: unknown): void {
  if (!(error instanceof VirError)) throw error;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
