import { appendFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Loop } from "../../event/index.ts";
import {
  checkFormats,
  DefinitionStore,
  DirectoryFiles,
  Journal,
  RecordStore,
  type Stamped,
  type StatePlace,
  statePlace,
  upgradeFormats,
} from "../../model/index.ts";
import type { DomainEvent } from "../../protocol/index.ts";
import { tagsOfAll } from "../domain-tags.ts";
import type {
  Driver,
  DriverProcedures,
  Hypervisor,
  HypervisorHold,
  HypervisorLoad,
  MonitorEventSource,
  ObjectEventSource,
} from "../driver.ts";
import { EventLog } from "../event-log.ts";
import { type HostResourcePlaces, HostResources } from "../host-resources.ts";
import { type MachineObjects, openMachineObjects } from "../machine-objects.ts";
import { joinEvents } from "../object-events.ts";
import { WrittenEvents } from "../written-events.ts";
import { binaryVersion } from "./binary.ts";
import { Capabilities } from "./capabilities/index.ts";
import { completionFor } from "./definition/complete.ts";
import { makeDirectory } from "./files.ts";
import { FreePorts } from "./free-ports.ts";
import type { QemuHost } from "./host.ts";
import { leaseSource } from "./host-addresses.ts";
import { sharedBy } from "./host-side/shared-resources.ts";
import { guestState, type LaunchPlaces, partsOptions, planLaunch } from "./launch-plan.ts";
import { LocalHost } from "./local-host.ts";
import { MonitorEvents } from "./monitor-events.ts";
import { Operations } from "./operations.ts";
import { qemuProcedures } from "./procedures/index.ts";
import { reportProcedures } from "./procedures/reports.ts";
import { bootId, letThrough, RunRecords } from "./run-record.ts";
import { localFiles } from "./security/file-host.ts";
import { ownPolicy, type SecurityPolicy } from "./security/guest-user.ts";
import { Loans } from "./security/loans.ts";
import { toldOf } from "./told.ts";

export interface QemuDriverOptions {
  /** The connections that it serves: "qemu:///system" or "qemu:///session". */
  readonly uri: string;
  /** Definitions: kept for ever. */
  readonly stateDir: string;
  /** Records of running guests: to vanish with the next boot. */
  readonly runDir: string;
  /** Their monitors. Short, a socket's path has 107 bytes. Default: `runDir`. */
  readonly monitorDir?: string;
  /** What QEMU prints, a file for each name. */
  readonly logDir: string;
  /** Where networks and storage pools have their files. Default: there are none of either. */
  readonly resources?: HostResourcePlaces;
  /** From launch to the monitor's readiness. Default 60,000. */
  readonly startTimeoutMs?: number;
  /** From SIGTERM to SIGKILL. Default 10,000. */
  readonly terminateMs?: number;
  /** Hears of files that cannot be read, guests that cannot be taken up and the like. Default: the loop reports it. */
  readonly onWarning?: (error: unknown) => void;
  /** As whom QEMU runs, and what becomes of its files. Default: as we do, and nothing. */
  readonly security?: SecurityPolicy | undefined;
  /** Where QEMU runs. Default: here. */
  readonly host?: QemuHost;
}

/**
 * Guests as QEMU processes, which outlive the driver: what is needed to find them again is in `runDir`.
 *
 *     open -> closed
 *
 * open:  takes up the definitions and the running guests of the driver before.
 * close: open -> closed; idempotent. Guests run on; what is being started is given up.
 */
export class QemuDriver implements Driver, Hypervisor {
  readonly name = "qemu";
  readonly features: ReadonlySet<number> = new Set();
  readonly procedures: DriverProcedures;
  readonly objectEvents: ObjectEventSource;
  readonly monitorEvents: MonitorEventSource;
  readonly #uri: string;
  readonly #operations: Operations;
  readonly #resources: HostResources | undefined;
  readonly #log: EventLog;
  readonly #events: WrittenEvents;
  #closed: Promise<void> | undefined;

  private constructor(
    uri: string,
    operations: Operations,
    log: EventLog,
    events: WrittenEvents,
    capabilities: Capabilities,
    version: bigint,
    resources: HostResources | undefined,
    machine: MachineObjects,
  ) {
    this.procedures = {
      ...qemuProcedures(operations, { capabilities, version, leasesOf: leaseSource(resources?.networks) }),
      ...reportProcedures(operations, log.journal),
      ...resources?.procedures,
      ...machine.procedures,
    };
    this.objectEvents = joinEvents(resources === undefined ? [machine.events] : [resources.events, machine.events]);
    this.monitorEvents = new MonitorEvents(operations.guests);
    this.#resources = resources;
    this.#uri = uri;
    this.#operations = operations;
    this.#log = log;
    this.#events = events;
  }

  /** Whose format has to be one that it knows. */
  static places(options: Pick<QemuDriverOptions, "stateDir" | "runDir" | "resources">): StatePlace[] {
    const { stateDir, runDir, resources } = options;
    return [stateDir, runDir, ...Object.values(resources ?? {})].map((each: string) => statePlace(each));
  }

  /** Rejects with StateError when another driver has `runDir`, or a newer version has written what is there. */
  static async open(loop: Loop, options: QemuDriverOptions): Promise<QemuDriver> {
    const report = options.onWarning ?? ((error: unknown): void => raise(loop, error));
    const formats = QemuDriver.places(options);
    await checkFormats(formats);
    await makeDirectory(options.logDir);
    const version = await binaryVersion();
    const security = options.security ?? ownPolicy();
    const records = new RunRecords(options.runDir, options.monitorDir, security.isPrivileged);
    const journal = await upgradeFormats(formats)
      .then(() => openJournal(loop, options.stateDir, report))
      .catch((error: unknown) => {
        records.close();
        throw error;
      });
    const log = new EventLog(journal, report);
    const nvramDirectory = join(options.stateDir, "nvram");
    if (security.isPrivileged) await openWay(options.stateDir, nvramDirectory);
    const startTimeoutMs = options.startTimeoutMs ?? 60_000;
    const capabilities = new Capabilities(join(options.stateDir, "cache"), security);
    const loans = new Loans({
      policy: security,
      files: localFiles,
      store: new RecordStore(join(options.stateDir, "loans"), ".json"),
      boot: bootId(),
      report,
    });
    const ports = new FreePorts(loop, startTimeoutMs);
    let resources: HostResources | undefined;
    let machine: MachineObjects | undefined;
    const launchPlaces: LaunchPlaces = {
      records,
      nvramDirectory,
      logDir: options.logDir,
      stateDir: options.stateDir,
      capabilities,
      loans,
      freePort: (first) => ports.take(first),
      isFreePort: (port) => ports.isFree(port),
      shared: sharedBy(
        () => resources,
        () => machine?.secrets,
      ),
    };
    const events = new WrittenEvents(log, report);
    const operations = new Operations({
      loop,
      records,
      report,
      loans,
      host: options.host ?? new LocalHost(loop),
      store: new DefinitionStore(options.stateDir),
      startTimeoutMs,
      terminateMs: options.terminateMs ?? 10_000,
      complete: completionFor({ version, nvramDirectory }),
      plan: (definition) => planLaunch(definition, launchPlaces),
      forgetState: (uuid) => rm(guestState(options.stateDir, uuid), { recursive: true, force: true }),
      partsOptions: (definition) => partsOptions(definition, launchPlaces),
      shared: launchPlaces.shared,
      directories: {
        save: join(options.stateDir, "save"),
        dump: join(options.stateDir, "dump"),
        autostart: join(options.stateDir, "autostart"),
        run: options.runDir,
      },
      publish: (event) => events.publish(event),
      told: () => events.settled(),
      position: () => events.position,
      toldOf: (uuid, since) => toldOf(journal, uuid, since),
      note: ({ name }, text) =>
        appendFileSync(join(options.logDir, `${name}.monitor.log`), `${new Date().toISOString()} ${text}\n`),
    });
    const { resources: places } = options;
    try {
      // Before the guests, which may be plugged into them.
      resources = places && (await HostResources.open(loop, { places, onWarning: report }));
      machine = await openMachineObjects(join(options.stateDir, "secrets"), report);
      await loans.load();
      await operations.load();
      return new QemuDriver(options.uri, operations, log, events, capabilities, version, resources, machine);
    } catch (error) {
      await operations.guests.close();
      await events.settled();
      await resources?.close();
      await log.journal.close();
      throw error;
    }
  }

  accepts(uri: string): boolean {
    return uri === this.#uri;
  }

  connect(): HypervisorHold {
    return { hypervisor: this, release: () => {} };
  }

  get journal(): Journal<DomainEvent> {
    return this.#log.journal;
  }

  subscribe(listener: (event: Stamped<DomainEvent>) => void): () => void {
    return this.#log.subscribe(listener);
  }

  load(): HypervisorLoad {
    const { guests } = this.#operations;
    const domains = this.#closed === undefined ? [...guests.domains] : [];
    const silent = domains.flatMap((domain) => {
      const run = guests.runOf(domain);
      if (run === undefined || run.isResponsive) return [];
      return [{ name: domain.name, uuid: domain.uuid, silenceMs: run.silenceMs }];
    });
    return { jobWaits: guests.jobWaits, silent };
  }

  tagsOf(uuid: string): readonly (readonly string[])[] {
    const domain = this.#operations.guests.domains.find(uuid);
    return tagsOfAll(domain?.definition, domain?.persistent);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#operations.guests.close();
    await this.#resources?.close();
    await this.#events.settled();
    await this.#log.journal.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Guests come as far as the files that are theirs. */
async function openWay(...directories: readonly string[]): Promise<void> {
  for (const directory of directories) {
    await makeDirectory(directory);
    letThrough(directory);
  }
}

/** Beside the definitions. */
function openJournal(loop: Loop, stateDir: string, report: (error: unknown) => void): Promise<Journal<DomainEvent>> {
  const files = new DirectoryFiles(join(stateDir, "journal"));
  const onWarning = (message: string, cause?: unknown): void => report(new Error(message, { cause }));
  return Journal.open<DomainEvent>({ now: Date.now }, { loop, files, onWarning });
}

function raise(loop: Loop, error: unknown): void {
  loop.post(() => {
    throw error;
  });
}
