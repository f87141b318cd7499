import { arch } from "node:os";
import { Daemon, type DaemonLimits, type DaemonOptions, type Log, type SocketOptions } from "../daemon/index.ts";
import type { CallContext, Driver, HypervisorLoad } from "../driver/driver.ts";
import { QemuDriver, type SecurityPolicy } from "../driver/qemu/index.ts";
import { TestDriver } from "../driver/test/index.ts";
import { XenDriver } from "../driver/xen/index.ts";
import { type Loop, StateError } from "../event/index.ts";
import { checkFormats, type StatePlace } from "../model/index.ts";
import { openLoop } from "../os/index.ts";
import type { Domain, DomainEvent, TypedParam } from "../protocol/index.ts";
import { isInstalled } from "./installed.ts";
import type { GuestPlaces } from "./places.ts";

export const driverNames = ["qemu", "xen", "test"] as const;
export type DriverName = (typeof driverNames)[number];

export interface ServiceOptions {
  /** At least one, each once; they are asked in this order whether a URI is theirs. */
  readonly drivers: readonly DriverName[];
  /** What the QEMU driver serves: "qemu:///system" or "qemu:///session". */
  readonly uri: string;
  readonly places: GuestPlaces;
  /** As whom QEMU runs. Default: as we do. */
  readonly security?: SecurityPolicy | undefined;
  readonly limits?: DaemonLimits;
  /** Default: nobody logs in, the doors alone decide who may do what, and nothing is recorded. */
  readonly guards?: Pick<DaemonOptions, "logIn" | "access" | "audit" | "pkcheck">;
  readonly log: Log;
  /** To run on, and stays the caller's. Default: one of its own, which reports callbacks that throw to `log`. */
  readonly loop?: Loop;
}

/** What a driver is asked for in the daemon's own name. */
interface Served {
  readonly driver: Driver & AsyncDisposable;
  readonly uri: string;
}

/**
 * A loop, drivers and a daemon over them: what every command that serves is made of.
 *
 *     open -> closing -> closed
 *
 * open:      takes up the guests of the daemon before. Rejects, with nothing left, when a driver cannot be opened.
 * listen:    open. Throws StateError when one of the sockets is served already; those before it are served then.
 * subscribe: open. Reports the events of all hypervisors until the service closes.
 * close:     open -> closing: calls under way are answered, at the latest after `lingerMs`; then daemon, drivers and
 *            loop close, in this order. Idempotent.
 */
export class Service implements AsyncDisposable {
  readonly daemon: Daemon;
  /** What it runs on. */
  readonly loop: Loop;
  /** Undefined when the QEMU driver is not among those asked for. */
  readonly qemu: QemuDriver | undefined;
  readonly #served: readonly Served[];
  readonly #parts: AsyncDisposableStack;
  #closed: Promise<void> | undefined;

  private constructor(loop: Loop, daemon: Daemon, served: readonly Served[], parts: AsyncDisposableStack) {
    this.loop = loop;
    this.daemon = daemon;
    this.qemu = served.map(({ driver }) => driver).find((driver) => driver instanceof QemuDriver);
    this.#served = served;
    this.#parts = parts;
  }

  static async open(options: ServiceOptions): Promise<Service> {
    const { drivers: names, limits, guards, log, loop: given } = options;
    await using parts = new AsyncDisposableStack();
    // A fault in one callback is no reason to leave all clients alone.
    const onError = (error: unknown, at: string): void =>
      log({ level: "error", source: "loop", message: `${at}: ${textOf(error)}`, error });
    const loop = given ?? parts.use(openLoop({ onError }));
    const served: Served[] = [];
    const servable = names.filter(isServable);
    // Of all before the first: what one refuses leaves the others' as it was.
    await checkFormats(servable.flatMap((name) => placesOf(name, options)));
    for (const name of servable) {
      const onWarning = (error: unknown): void =>
        log({ level: "warn", source: `driver.${name}`, message: textOf(error), error });
      const opened = await openDriver(loop, name, options, onWarning).catch((error: unknown) => {
        // Where libxl cannot be used the guests of the others are served all the same.
        if (name !== "xen" || names.length === 1) throw error;
        onWarning(new Error(`xen:///system is not served: ${textOf(error)}`, { cause: error }));
      });
      if (opened === undefined) continue;
      parts.use(opened.driver);
      served.push(opened);
    }
    if (served.length === 0) throw new StateError("this is not domain 0 of a Xen, and no other driver can be served");
    const drivers = served.map(({ driver }) => driver);
    const daemon = parts.use(new Daemon(loop, { drivers, log, ...guards, ...limits }));
    return new Service(loop, daemon, served, parts.move());
  }

  /** What clients can open. */
  get uris(): readonly string[] {
    return this.#served.map(({ uri }) => uri);
  }

  listen(sockets: readonly SocketOptions[]): void {
    for (const socket of sockets) this.daemon.listen(socket);
  }

  async subscribe(listener: (driver: string, event: DomainEvent) => void): Promise<void> {
    for (const { driver, uri } of this.#served) {
      const hold = await driver.connect(uri, { readOnly: false });
      this.#parts.defer(hold.hypervisor.subscribe(({ event }) => listener(driver.name, event)));
      this.#parts.defer(() => hold.release());
    }
  }

  /** All hypervisors, each for statistics of its domains (virDomainStatsTypes), by their URIs. */
  async ask(stats: number, patienceMs: number): Promise<Map<string, Asked>> {
    const answers = this.#served.map(async ({ driver, uri }): Promise<[string, Asked]> => {
      const signal = AbortSignal.timeout(patienceMs);
      const tooLate = new Promise<Asked>((resolve) => signal.addEventListener("abort", () => resolve(silent)));
      const answer = this.#askOne(driver, uri, stats, signal).catch(() => silent);
      return [uri, await Promise.race([answer, tooLate])];
    });
    return new Map(await Promise.all(answers));
  }

  async #askOne(driver: Driver, uri: string, stats: number, signal: AbortSignal): Promise<Asked> {
    const hold = await driver.connect(uri, { readOnly: true });
    try {
      const { hypervisor } = hold;
      const { procedures, journal } = hypervisor;
      const answer = await procedures.connectGetAllDomainStats?.({ doms: [], stats, flags: 0 }, caller(signal));
      return { records: answer?.retStats ?? [], position: journal.position.sequence, load: hypervisor.load?.() };
    } finally {
      hold.release();
    }
  }

  /** Real ones: the guests of the test hypervisor are nobody's. */
  async hasGuests(): Promise<boolean> {
    for (const { driver, uri } of this.#served.filter((each) => each.driver.name !== "test")) {
      const hold = await driver.connect(uri, { readOnly: true });
      try {
        const { num } = (await hold.hypervisor.procedures.connectNumOfDomains?.({}, caller())) ?? { num: 0 };
        if (num > 0) return true;
      } finally {
        hold.release();
      }
    }
    return false;
  }

  close(lingerMs?: number): Promise<void> {
    this.#closed ??= this.daemon.close(lingerMs).then(() => this.#parts.disposeAsync());
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** The daemon itself asks. */
function caller(signal: AbortSignal = new AbortController().signal): CallContext {
  return { signal, readOnly: true, takeFds: () => [], passFds: () => {} };
}

/** What a hypervisor has said about its domains. */
export interface Asked {
  readonly records: readonly { readonly dom: Domain; readonly params: readonly TypedParam[] }[];
  /** The number of the last event; undefined when it could not be asked, or did not answer in time. */
  readonly position: number | undefined;
  /** Undefined where nobody counts. */
  readonly load: HypervisorLoad | undefined;
}

const silent: Asked = { records: [], position: undefined, load: undefined };

/** Xen's guests are served by the system's daemon in domain 0, and by nobody else. */
function isServable(name: DriverName): boolean {
  return name !== "xen" || (process.getuid?.() === 0 && XenDriver.isHere());
}

async function openDriver(
  loop: Loop,
  name: DriverName,
  { uri, places, security }: Pick<ServiceOptions, "uri" | "places" | "security">,
  onWarning: (error: unknown) => void,
): Promise<Served> {
  if (name === "test") return { driver: new TestDriver(loop, { onWarning }), uri: "test:///default" };
  if (name === "qemu") return { driver: await QemuDriver.open(loop, { uri, ...places, security, onWarning }), uri };
  const { xenStateDir: stateDir, xenRunDir: runDir } = places;
  return { driver: await XenDriver.open(loop, { stateDir, runDir, onWarning }), uri: "xen:///system" };
}

function placesOf(name: DriverName, { places }: Pick<ServiceOptions, "places">): StatePlace[] {
  if (name === "test") return [];
  return name === "qemu"
    ? QemuDriver.places(places)
    : XenDriver.places({ stateDir: places.xenStateDir, runDir: places.xenRunDir });
}

/** Undefined when QEMU is here; else how to get it. */
export function qemuAdvice(): string | undefined {
  const [program, debian] = arch() === "arm64" ? ["qemu-system-aarch64", "arm"] : ["qemu-system-x86_64", "x86"];
  return isInstalled(program)
    ? undefined
    : `QEMU is missing; to install it: sudo apt-get install qemu-system-${debian}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
