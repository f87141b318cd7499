import type { Definition, Domain } from "../../model/index.ts";
import {
  DomainState,
  ErrorCode,
  ErrorDomain,
  Lifecycle,
  VirError,
  type Domain as WireDomain,
} from "../../protocol/index.ts";
import type { DomainDirectories, StartOptions } from "../domain-life.ts";
import { withName } from "../domain-name.ts";
import type { Patience } from "../domain-turns.ts";
import { theAgent } from "./agent-link.ts";
import { Autostarts } from "./autostarts.ts";
import { reconcile } from "./device/reconciliation.ts";
import { Removals } from "./device/removals.ts";
import { Dumps } from "./dumps.ts";
import { invalid, notRunning } from "./errors.ts";
import { Guests } from "./guests.ts";
import type { GuestsOptions } from "./guests-options.ts";
import { withLifecycleAction } from "./lifecycle-actions.ts";
import { LongJobs } from "./long-jobs.ts";
import type { Run } from "./run.ts";
import { Saves } from "./saves.ts";

export interface OperationsOptions extends GuestsOptions {
  readonly directories: DomainDirectories;
}

/** By which ways a guest may be asked to end or to reboot; none: as it is best. */
export interface AskingWays {
  readonly powerButton: boolean;
  readonly agent: boolean;
}

/** The life of domains: each change runs as a job of its domain. All reject with VirError. */
export class Operations {
  readonly guests: Guests;
  readonly jobs: LongJobs;
  readonly saves: Saves;
  readonly dumps: Dumps;
  readonly autostarts: Autostarts;
  readonly removals: Removals;

  constructor(options: OperationsOptions) {
    const { save, dump, autostart, run } = options.directories;
    this.guests = new Guests(options);
    this.jobs = new LongJobs(this.guests);
    this.saves = new Saves(this.guests, this.jobs, save);
    this.dumps = new Dumps(this.guests, this.jobs, dump);
    this.autostarts = new Autostarts(autostart, run);
    this.removals = new Removals(this.guests);
    // Before any run there is: it may say at once what has left it.
    this.guests.watchRuns((run, domain) => run.onMonitorEvent((event) => this.removals.onEvent(domain, run, event)));
    this.guests.care = {
      reconcile: (run) => reconcile(this.guests, run, this.removals),
      recover: (run, job) => (job.kind === "save" ? this.saves.recover(run, job) : this.dumps.recover(run, job)),
      onTakenUp: (domain) => this.saves.removeManaged(domain),
      keepCrash: (run) => this.dumps.keepCrash(run),
    };
  }

  /** Takes up what there is, and begins to start what starts by itself. */
  async load(): Promise<void> {
    await this.saves.load();
    await this.autostarts.load();
    await this.guests.load();
    if (await this.autostarts.takeTurn()) void this.#autostart();
  }

  /** `validate`: nothing may be in it that libvirt's schema has not. */
  async define(xml: string, patience: Patience, validate = false): Promise<WireDomain> {
    const definition = await this.guests.read(xml, patience, validate);
    return this.guests.claimed(definition, "define", patience, async (domain) => {
      const isUpdate = await this.guests.keep(domain, definition);
      const { event, detail } = Lifecycle.defined;
      this.#tell(domain, event, isUpdate ? detail.updated : detail.added);
      return domain.reference;
    });
  }

  /**
   * `withSaved`: what was saved of it goes, too; otherwise it must not be there. `keepsState`: what its companions keep, such
   * as a TPM, stays for one that is defined with the same UUID.
   */
  async undefine(domain: Domain, patience: Patience, { withSaved = false, keepsState = false } = {}): Promise<void> {
    await this.guests.exclusively(domain, "undefine", patience, async () => {
      this.guests.checkExists(domain);
      if (domain.persistent === undefined) throw invalid("cannot undefine transient domain");
      if (this.saves.hasManaged(domain)) {
        if (!withSaved) throw invalid("Refusing to undefine while domain managed save image exists");
        await this.saves.removeManaged(domain);
      }
      await this.autostarts.set(domain, false);
      await this.guests.forget(domain);
      // One that runs has its own to the end.
      if (domain.incarnation === undefined && !keepsState) await this.guests.forgetState(domain.uuid);
      this.#tell(domain, Lifecycle.undefined.event, Lifecycle.undefined.detail.removed);
    });
  }

  /** Runs a domain that is forgotten when it ends, unless it is also defined. `validate`: as for `define`. */
  async create(xml: string, paused: boolean, patience: Patience, validate = false): Promise<WireDomain> {
    const definition = await this.guests.read(xml, patience, validate);
    return this.guests.claimed(definition, "create", patience, async (domain) => {
      if (domain.incarnation !== undefined) throw alreadyActive(domain);
      await this.guests.boot(domain, definition, { paused });
      return domain.reference;
    });
  }

  async start(domain: Domain, options: StartOptions, patience: Patience): Promise<WireDomain> {
    const { paused = false, forceBoot = false } = options;
    return this.guests.exclusively(domain, "start", patience, async () => {
      this.guests.checkExists(domain);
      if (domain.incarnation !== undefined) throw invalid("domain is already running");
      if (forceBoot) await this.saves.removeManaged(domain);
      if (this.saves.hasManaged(domain) && (await this.saves.resumeManaged(domain, paused))) return domain.reference;
      await this.guests.boot(domain, domain.persistent as Definition, { paused });
      return domain.reference;
    });
  }

  async setAutostart(domain: Domain, value: boolean, patience: Patience): Promise<void> {
    await this.guests.exclusively(domain, "set autostart", patience, async () => {
      this.guests.checkExists(domain);
      if (domain.persistent === undefined) throw invalid("cannot set autostart for transient domain");
      await this.autostarts.set(domain, value);
    });
  }

  /** Another name for a domain that does not run. */
  async rename(domain: Domain, name: string, patience: Patience): Promise<void> {
    await this.guests.exclusively(domain, "rename", patience, async () => {
      this.guests.checkExists(domain);
      if (domain.incarnation !== undefined) throw invalid("cannot rename active domain");
      const { persistent } = domain;
      if (persistent === undefined) throw invalid("cannot rename a transient domain");
      const definition = withName(persistent, name);
      const before = domain.reference;
      await this.guests.rename(domain, definition);
      const { undefined: gone, defined } = Lifecycle;
      this.guests.publish({ name: "lifecycle", dom: before, event: gone.event, detail: gone.detail.renamed });
      this.#tell(domain, defined.event, defined.detail.renamed);
    });
  }

  /** What becomes of it when its guest has powered off, rebooted or crashed. `flags`: virDomainModificationImpact. */
  async setAction(domain: Domain, occasion: string, action: string, flags: number, patience: Patience): Promise<void> {
    await this.guests.exclusively(domain, "set lifecycle action", patience, async () => {
      this.guests.checkExists(domain);
      const run = this.guests.runOf(domain);
      const { isLive, isConfig } = impactOf(flags, run !== undefined, domain.persistent !== undefined);
      const live =
        isLive && run !== undefined ? withLifecycleAction(definitionOf(domain), occasion, action) : undefined;
      const { persistent } = domain;
      if (isConfig && persistent !== undefined)
        await this.guests.keep(domain, withLifecycleAction(persistent, occasion, action));
      if (live === undefined || run === undefined) return;
      // QEMU itself has to know whether a reboot is an end.
      if (occasion === "reboot")
        await run.execute("set-action", { reboot: action === "destroy" ? "shutdown" : "reset" });
      run.describe(live);
    });
  }

  suspend(domain: Domain, patience: Patience): Promise<void> {
    return this.guests.onRun(domain, "suspend", patience, (run, timeoutMs) => {
      if (domain.status.state === DomainState.pmsuspended) throw invalid("domain is pmsuspended");
      return run.power.suspend(timeoutMs);
    });
  }

  resume(domain: Domain, patience: Patience): Promise<void> {
    return this.guests.onRun(domain, "resume", patience, (run, timeoutMs) => run.power.resume(timeoutMs));
  }

  reset(domain: Domain, patience: Patience): Promise<void> {
    return this.guests.onRun(domain, "reset", patience, (run, timeoutMs) => run.power.reset(timeoutMs));
  }

  shutdown(domain: Domain, ways: AskingWays, patience: Patience): Promise<void> {
    return this.#ask(domain, "shutdown", "powerdown", ways, patience, (run, timeoutMs) =>
      run.power.shutdown(timeoutMs),
    );
  }

  reboot(domain: Domain, ways: AskingWays, patience: Patience): Promise<void> {
    return this.#ask(domain, "reboot", "reboot", ways, patience, (run, timeoutMs) => run.power.reboot(timeoutMs));
  }

  /** Asks its agent to put the guest to sleep; `mode` is the agent's word: "ram", "disk", "hybrid". */
  async sleep(domain: Domain, mode: string, patience: Patience): Promise<void> {
    await this.guests.onRun(domain, "pmsuspend", patience, async (run) => {
      const agent = theAgent(run.agent);
      if (domain.status.state !== DomainState.running) throw invalid("domain is not running");
      await agent.execute(`guest-suspend-${mode}`, {}, { mayVanish: true });
    });
  }

  wakeUp(domain: Domain, patience: Patience): Promise<void> {
    return this.guests.onRun(domain, "pmwakeup", patience, (run, timeoutMs) => run.power.wakeUp(timeoutMs));
  }

  /** Ends the run that there is now, at once: a job that waits for this QEMU fails, and then it is our turn. */
  async destroy(domain: Domain, gracefully: boolean, patience: Patience): Promise<void> {
    this.guests.checkExists(domain);
    const run = this.guests.runOf(domain) ?? fail(notRunning());
    run.destroy(gracefully);
    await this.guests.exclusively(domain, "destroy", { ...patience, kind: "destroy" }, () => run.gone(gracefully));
  }

  /** By its agent where that is wanted or there, otherwise by its power button. */
  async #ask(
    domain: Domain,
    operation: string,
    mode: string,
    ways: AskingWays,
    patience: Patience,
    press: (run: Run, timeoutMs: number) => Promise<void>,
  ): Promise<void> {
    const act = async (run: Run, timeoutMs: number): Promise<void> => {
      if (domain.status.state !== DomainState.running) throw invalid("domain is not running");
      const isOpen = !ways.powerButton && !ways.agent;
      if (ways.agent || (isOpen && run.agent?.isConnected === true)) {
        try {
          await theAgent(run.agent).execute("guest-shutdown", { mode }, { mayVanish: true });
          return;
        } catch (error) {
          if (!isOpen && !ways.powerButton) throw error;
        }
      }
      await press(run, timeoutMs);
    };
    await this.guests.onRun(domain, operation, patience, act, () => invalid("domain is not running"));
  }

  /** One after the other, so that they do not all boot at once; who does not start does not keep the others. */
  async #autostart(): Promise<void> {
    const wanted = Array.from(this.guests.domains).filter((domain) => this.autostarts.has(domain));
    for (const domain of wanted) {
      if (domain.incarnation !== undefined) continue;
      await this.start(domain, {}, {}).catch((error: unknown) => {
        const message = `cannot start domain '${domain.name}', which starts by itself: ${(error as Error).message}`;
        this.guests.report(new Error(message, { cause: error }));
      });
    }
  }

  #tell(domain: Domain, event: number, detail: number): void {
    this.guests.publish({ name: "lifecycle", dom: domain.reference, event, detail });
  }
}

/** virDomainModificationImpact: neither bit means the domain as it is. Throws VirError. */
function impactOf(flags: number, isActive: boolean, isPersistent: boolean): { isLive: boolean; isConfig: boolean } {
  const isPlain = (flags & 3) === 0;
  const isLive = isPlain ? isActive : (flags & 1) !== 0;
  const isConfig = isPlain ? !isActive : (flags & 2) !== 0;
  if (isLive && !isActive) throw notRunning();
  if (isConfig && !isPersistent) {
    const detail = "transient domains do not have any persistent config";
    throw VirError.of(ErrorCode.operationInvalid, ErrorDomain.domain, detail);
  }
  return { isLive, isConfig };
}

function definitionOf(domain: Domain): Definition {
  return domain.definition ?? fail(notRunning());
}

function alreadyActive({ name }: Domain): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.domain, `domain '${name}' is already active`);
}

function fail(error: Error): never {
  throw error;
}
