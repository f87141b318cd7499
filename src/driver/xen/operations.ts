import { LibxlError } from "../../libxl/index.ts";
import type { Domain } from "../../model/index.ts";
import {
  DomainReason,
  DomainState,
  ErrorCode,
  ErrorDomain,
  Lifecycle,
  VirError,
  type Domain as WireDomain,
} from "../../protocol/index.ts";
import type { DomainDirectories, StartOptions } from "../domain-life.ts";
import type { Patience } from "../domain-turns.ts";
import { Autostarts } from "../qemu/autostarts.ts";
import { invalid, notRunning } from "./errors.ts";
import { checkNotZero, Guests, type GuestsOptions } from "./guests.ts";
import { endings } from "./run.ts";
import { Saves } from "./saves.ts";

export interface OperationsOptions extends GuestsOptions {
  readonly directories: DomainDirectories;
}

/** How a guest is asked to end: as Xen asks those that know it, by the power button, or so when it does not know Xen. */
export interface ShutdownWays {
  readonly paravirt: boolean;
  readonly powerButton: boolean;
}

/** The life of domains: each change runs as a job of its domain. All reject with VirError. */
export class Operations {
  readonly guests: Guests;
  readonly saves: Saves;
  readonly autostarts: Autostarts;

  constructor(options: OperationsOptions) {
    const { save, dump, autostart, run } = options.directories;
    this.guests = new Guests(options);
    this.saves = new Saves(this.guests, save, dump);
    this.autostarts = new Autostarts(autostart, run);
    this.guests.saves = this.saves;
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
    checkNotZero(definition);
    return this.guests.claimed(definition, "define", patience, async (domain) => {
      const isUpdate = await this.guests.keep(domain, definition);
      const { event, detail } = Lifecycle.defined;
      this.guests.tell(domain, event, isUpdate ? detail.updated : detail.added);
      return domain.reference;
    });
  }

  /** `withSaved`: what was saved of it goes, too; otherwise it must not be there. */
  async undefine(domain: Domain, patience: Patience, withSaved = false): Promise<void> {
    checkNotZero(domain);
    await this.guests.exclusively(domain, "undefine", patience, async () => {
      this.guests.checkExists(domain);
      if (domain.persistent === undefined) throw invalid("cannot undefine transient domain");
      if (this.saves.hasManaged(domain)) {
        if (!withSaved) throw invalid("Refusing to undefine while domain managed save image exists");
        await this.saves.removeManaged(domain);
      }
      await this.autostarts.set(domain, false);
      await this.guests.forget(domain);
      this.guests.tell(domain, Lifecycle.undefined.event, Lifecycle.undefined.detail.removed);
    });
  }

  /** Runs a domain that is forgotten when it ends, unless it is also defined. `validate`: as for `define`. */
  async create(xml: string, paused: boolean, patience: Patience, validate = false): Promise<WireDomain> {
    const definition = await this.guests.read(xml, patience, validate);
    checkNotZero(definition);
    return this.guests.claimed(definition, "create", patience, async (domain) => {
      if (domain.incarnation !== undefined) throw alreadyActive(domain);
      // Its disks are as they were saved, and not those of a guest that begins anew.
      if (this.saves.hasManaged(domain)) await this.saves.resumeManaged(domain, paused);
      else await this.guests.boot(domain, definition, { paused });
      return domain.reference;
    });
  }

  async start(
    domain: Domain,
    { paused = false, forceBoot = false }: StartOptions,
    patience: Patience,
  ): Promise<WireDomain> {
    checkNotZero(domain);
    return this.guests.exclusively(domain, "start", patience, async () => {
      this.guests.checkExists(domain);
      const { persistent } = domain;
      if (domain.incarnation !== undefined || persistent === undefined) throw invalid("Domain is already running");
      if (forceBoot) await this.saves.removeManaged(domain);
      if (this.saves.hasManaged(domain)) await this.saves.resumeManaged(domain, paused);
      else await this.guests.boot(domain, persistent, { paused });
      return domain.reference;
    });
  }

  suspend(domain: Domain, patience: Patience): Promise<void> {
    return this.guests.onRun(domain, "suspend", patience, async (run, timeoutMs) => {
      if (domain.status.state === DomainState.paused) return;
      await this.guests.xen.pause(run.domid, { timeoutMs });
      if (run.hasEnded) throw notRunning();
      run.move({ state: DomainState.paused, reason: DomainReason.paused.user });
      run.tell(Lifecycle.suspended.event, Lifecycle.suspended.detail.paused);
    });
  }

  resume(domain: Domain, patience: Patience): Promise<void> {
    return this.guests.onRun(domain, "resume", patience, async (run, timeoutMs) => {
      if (domain.status.state !== DomainState.paused) return;
      await this.guests.xen.unpause(run.domid, { timeoutMs });
      if (run.hasEnded) throw notRunning();
      run.move({ state: DomainState.running, reason: DomainReason.running.unpaused });
      run.tell(Lifecycle.resumed.event, Lifecycle.resumed.detail.unpaused);
    });
  }

  shutdown(
    domain: Domain,
    patience: Patience,
    { paravirt, powerButton }: ShutdownWays = { paravirt: true, powerButton: true },
  ): Promise<void> {
    const { xen } = this.guests;
    return this.guests.onRun(domain, "shutdown", patience, async ({ domid }, timeoutMs) => {
      if (!paravirt) return xen.pressPowerButton(domid, { timeoutMs });
      await xen.shutdown(domid, { timeoutMs }).catch((error: unknown) => {
        const isDeaf = error instanceof LibxlError && error.code === "NOPARAVIRT";
        if (!isDeaf || !powerButton) throw error;
        return xen.pressPowerButton(domid, { timeoutMs });
      });
    });
  }

  reboot(domain: Domain, patience: Patience): Promise<void> {
    return this.guests.onRun(domain, "reboot", patience, (run, timeoutMs) =>
      this.guests.xen.reboot(run.domid, { timeoutMs }),
    );
  }

  /** Ends the run that there is now; one that is about to start again does not. */
  async destroy(domain: Domain, patience: Patience): Promise<void> {
    checkNotZero(domain);
    this.guests.checkExists(domain);
    const run = this.guests.runOf(domain);
    if (run === undefined) throw notRunning();
    const withdraw = run.wishEnd();
    try {
      await this.guests.exclusively(domain, "destroy", { ...patience, kind: "destroy" }, async () => {
        if (!run.hasEnded) await this.guests.end(run, endings.destroyed);
      });
    } catch (error) {
      // Who was refused has not ended it.
      withdraw();
      throw error;
    }
  }

  async setAutostart(domain: Domain, value: boolean, patience: Patience): Promise<void> {
    checkNotZero(domain);
    await this.guests.exclusively(domain, "set autostart", patience, async () => {
      this.guests.checkExists(domain);
      if (domain.persistent === undefined) throw invalid("cannot set autostart for transient domain");
      await this.autostarts.set(domain, value);
    });
  }

  /** Another name for a domain that does not run. */
  async rename(domain: Domain, name: string, patience: Patience): Promise<void> {
    checkNotZero(domain);
    await this.guests.exclusively(domain, "rename", patience, async () => {
      this.guests.checkExists(domain);
      if (domain.incarnation !== undefined) throw invalid("cannot rename active domain");
      if (domain.persistent === undefined) throw invalid("cannot rename a transient domain");
      await this.guests.giveName(domain, name);
    });
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
}

function alreadyActive({ name }: Domain): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.domain, `domain '${name}' is already active`);
}
