import type { Definition, Domain } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, Lifecycle, VirError, type Domain as WireDomain } from "../../protocol/index.ts";
import { invalid, notRunning } from "./errors.ts";
import { Guests, type GuestsOptions, type Patience } from "./guests.ts";
import type { Run } from "./run.ts";

/** The life of domains: each change runs as a job of its domain. All reject with VirError. */
export class Operations {
  readonly guests: Guests;

  constructor(options: GuestsOptions) {
    this.guests = new Guests(options);
  }

  async define(xml: string, patience: Patience): Promise<WireDomain> {
    const definition = await this.guests.read(xml, patience);
    const domain = this.guests.domains.claim(definition);
    return this.guests.exclusively(domain, "define", patience, async () => {
      const isUpdate = await this.guests.keep(domain, definition);
      const { event, detail } = Lifecycle.defined;
      this.#tell(domain, event, isUpdate ? detail.updated : detail.added);
      return domain.reference;
    });
  }

  async undefine(domain: Domain, patience: Patience): Promise<void> {
    await this.guests.exclusively(domain, "undefine", patience, async () => {
      this.guests.checkExists(domain);
      if (domain.persistent === undefined) throw invalid("cannot undefine transient domain");
      await this.guests.forget(domain);
      this.#tell(domain, Lifecycle.undefined.event, Lifecycle.undefined.detail.removed);
    });
  }

  /** Runs a domain that is forgotten when it ends, unless it is also defined. */
  async create(xml: string, paused: boolean, patience: Patience): Promise<WireDomain> {
    const definition = await this.guests.read(xml, patience);
    const domain = this.guests.domains.claim(definition);
    return this.guests.exclusively(domain, "create", patience, async () => {
      if (domain.incarnation !== undefined) throw alreadyActive(domain);
      await this.guests.boot(domain, definition, paused);
      return domain.reference;
    });
  }

  async start(domain: Domain, paused: boolean, patience: Patience): Promise<WireDomain> {
    return this.guests.exclusively(domain, "start", patience, async () => {
      this.guests.checkExists(domain);
      if (domain.incarnation !== undefined) throw invalid("domain is already running");
      await this.guests.boot(domain, domain.persistent as Definition, paused);
      return domain.reference;
    });
  }

  suspend(domain: Domain, patience: Patience): Promise<void> {
    return this.guests.onRun(domain, "suspend", patience, (run, timeoutMs) => run.suspend(timeoutMs));
  }

  resume(domain: Domain, patience: Patience): Promise<void> {
    return this.guests.onRun(domain, "resume", patience, (run, timeoutMs) => run.resume(timeoutMs));
  }

  reset(domain: Domain, patience: Patience): Promise<void> {
    return this.guests.onRun(domain, "reset", patience, (run, timeoutMs) => run.reset(timeoutMs));
  }

  /** `byAgent`: by nothing else. */
  shutdown(domain: Domain, byAgent: boolean, patience: Patience): Promise<void> {
    const act = (run: Run, timeoutMs: number): Promise<void> => run.shutdown(byAgent, timeoutMs);
    return this.guests.onRun(domain, "shutdown", patience, act, () => invalid("domain is not running"));
  }

  /** Ends the run that there is now, at once: a job that waits for this QEMU fails, and then it is our turn. */
  async destroy(domain: Domain, gracefully: boolean, patience: Patience): Promise<void> {
    this.guests.checkExists(domain);
    const run = this.guests.runOf(domain) ?? fail(notRunning());
    run.destroy(gracefully);
    await this.guests.exclusively(domain, "destroy", patience, () => run.gone(gracefully));
  }

  #tell(domain: Domain, event: number, detail: number): void {
    this.guests.publish({ name: "lifecycle", dom: domain.reference, event, detail });
  }
}

function alreadyActive({ name }: Domain): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.domain, `domain '${name}' is already active`);
}

function fail(error: Error): never {
  throw error;
}
