import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Loop } from "../../event/index.ts";
import { launchProcesses, ProcessRoster, XenProcesses } from "../../libxl/index.ts";
import {
  checkFormats,
  DefinitionStore,
  DirectoryFiles,
  Journal,
  type Stamped,
  type StatePlace,
  statePlace,
  upgradeFormats,
} from "../../model/index.ts";
import { type DomainEvent, ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { tagsOfAll } from "../domain-tags.ts";
import type { ConnectOrigin, Driver, DriverProcedures, Hypervisor, HypervisorHold, HypervisorLoad } from "../driver.ts";
import { EventLog } from "../event-log.ts";
import { FreePorts } from "../qemu/free-ports.ts";
import { toldOf } from "../qemu/told.ts";
import { WrittenEvents } from "../written-events.ts";
import { Operations } from "./operations.ts";
import { xenProcedures } from "./procedures/index.ts";
import { RunRecords } from "./run-record.ts";
import { savesByUuid } from "./state-steps.ts";
import { StoreNews } from "./store-news.ts";
import type { DomainNews, Xen } from "./xen.ts";

/** Xen, and who tells of its domains. */
interface Surroundings {
  readonly calls: Xen;
  readonly news: DomainNews;
  /** Resolves when what the drivers before us have asked for has come to its end. */
  readonly predecessors: Promise<void>;
  /** Once `calls` are closed. */
  close(): void;
}

export interface XenDriverOptions {
  /** Definitions: kept for ever. */
  readonly stateDir: string;
  /** Records of running guests: to vanish with the next boot. */
  readonly runDir: string;
  /** How many guests may be built, saved and destroyed at once. Default 2. */
  readonly operations?: number;
  /** Hears of files that cannot be read, guests that cannot be taken up and the like. Default: the loop reports it. */
  readonly onWarning?: (error: unknown) => void;
  /** Default: the Xen that this is domain 0 of. */
  readonly xen?: Surroundings;
}

const uri = "xen:///system";
/** How long a guest may take until its display has its port. */
const portHoldMs = 60_000;

/**
 * Guests as domains of the Xen that this is domain 0 of; they outlive the driver, and others may make and end them too.
 *
 *     open -> closed
 *
 * open:  takes up the definitions, and every domain that there is.
 * close: open -> closed; idempotent. Guests run on.
 */
export class XenDriver implements Driver, Hypervisor {
  readonly name = "xen";
  readonly features: ReadonlySet<number> = new Set();
  readonly procedures: DriverProcedures;
  readonly #operations: Operations;
  readonly #log: EventLog;
  readonly #events: WrittenEvents;
  readonly #xen: Pick<Surroundings, "close">;
  #closed: Promise<void> | undefined;

  private constructor(operations: Operations, log: EventLog, events: WrittenEvents, xen: Pick<Surroundings, "close">) {
    this.procedures = xenProcedures(operations);
    this.#operations = operations;
    this.#log = log;
    this.#events = events;
    this.#xen = xen;
  }

  /** Whether this is domain 0 of a Xen. */
  static isHere(): boolean {
    try {
      return readFileSync("/proc/xen/capabilities", "latin1").includes("control_d");
    } catch {
      return false;
    }
  }

  /** Whose format has to be one that it knows. */
  static places({ stateDir, runDir }: Pick<XenDriverOptions, "stateDir" | "runDir">): StatePlace[] {
    return [statePlace(stateDir, [savesByUuid]), statePlace(runDir)];
  }

  /**
   * Rejects with StateError when another driver has `runDir`, or a newer version has written what is there, and with
   * LibraryError where libxl cannot be used.
   */
  static async open(loop: Loop, options: XenDriverOptions): Promise<XenDriver> {
    const { stateDir, runDir } = options;
    const report = options.onWarning ?? ((error: unknown): void => raise(loop, error));
    const formats = XenDriver.places(options);
    await checkFormats(formats);
    const records = new RunRecords(runDir);
    const journal = await upgradeFormats(formats)
      .then(() => openJournal(loop, stateDir, report))
      .catch((error: unknown) => {
        records.close();
        throw error;
      });
    const log = new EventLog(journal, report);
    const events = new WrittenEvents(log, report);
    const ports = new FreePorts(loop, portHoldMs);
    let xen: Surroundings;
    try {
      xen = options.xen ?? openXen(loop, options, report);
    } catch (error) {
      records.close();
      await journal.close();
      throw error;
    }
    const { calls, news, predecessors } = xen;
    const operations = new Operations({
      loop,
      xen: calls,
      news,
      predecessors,
      records,
      report,
      store: new DefinitionStore(stateDir),
      freePort: (first) => ports.take(first),
      publish: (event) => events.publish(event),
      told: () => events.settled(),
      position: () => events.position,
      toldOf: (uuid, since) => toldOf(journal, uuid, since),
      directories: {
        save: join(stateDir, "save"),
        dump: join(stateDir, "dump"),
        autostart: join(stateDir, "autostart"),
        run: runDir,
      },
    });
    try {
      await operations.load();
      return new XenDriver(operations, log, events, xen);
    } catch (error) {
      await operations.guests.close();
      xen.close();
      await events.settled();
      await journal.close();
      throw error;
    }
  }

  accepts(asked: string): boolean {
    return asked === uri || asked === "xen:///";
  }

  connect(_uri: string, _origin?: ConnectOrigin): HypervisorHold {
    if (this.#closed !== undefined) {
      throw VirError.of(ErrorCode.operationInvalid, ErrorDomain.libxl, "the driver is closed");
    }
    return { hypervisor: this, release: () => {} };
  }

  get journal(): Journal<DomainEvent> {
    return this.#log.journal;
  }

  subscribe(listener: (event: Stamped<DomainEvent>) => void): () => void {
    return this.#log.subscribe(listener);
  }

  load(): HypervisorLoad {
    return { jobWaits: this.#operations.guests.jobWaits };
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
    this.#xen.close();
    await this.#events.settled();
    await this.#log.journal.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function openXen(loop: Loop, { operations, runDir }: XenDriverOptions, report: (error: unknown) => void): Surroundings {
  const roster = new ProcessRoster(loop, join(runDir, "processes"));
  const calls = new XenProcesses(loop, {
    launch: launchProcesses(loop, { roster }),
    // What libxl complains of while it fails is in the error of that call.
    ...(operations !== undefined && { operations }),
    onProcessEnded: report,
  });
  const news = new StoreNews(loop, report);
  const close = (): void => {
    roster.close();
    news.close();
  };
  return { calls, news, predecessors: roster.eldersEnded, close };
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
