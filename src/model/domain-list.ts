import type { Loop } from "../event/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import type { Definition } from "./definition.ts";
import { Domain } from "./domain.ts";
import { JobWaits } from "./job-waits.ts";

/**
 * The domains of a driver: at most one to a uuid, and one to a name.
 *
 * A domain is claimed before it exists, so that uuid and name are taken while its definition is written or its process
 * starts; nobody is shown it before it exists.
 */
export class DomainList {
  /** Of the jobs of all domains. */
  readonly jobWaits = new JobWaits();
  readonly #loop: Loop;
  readonly #driver: ErrorDomain;
  readonly #byUuid = new Map<string, Domain>();

  /** `driver` is the driver's own, for its errors. */
  constructor(loop: Loop, driver: ErrorDomain) {
    this.#loop = loop;
    this.#driver = driver;
  }

  /** Those that exist, in the order of their making. */
  *[Symbol.iterator](): Generator<Domain> {
    for (const domain of this.#byUuid.values()) if (domain.exists) yield domain;
  }

  /**
   * The domain that has this definition's uuid and name, made when there is none. Throws VirError when another has one
   * of the two. To be followed by a job, at once: so the claim holds until that has ended.
   */
  claim({ uuid, name }: Definition): Domain {
    const known = this.#byUuid.get(uuid);
    if (known !== undefined && known.name !== name)
      throw clash(`domain '${known.name}' is already defined with`, known);
    if (known !== undefined) return known;
    const other = this.#find((each) => each.name === name);
    if (other !== undefined) throw clash(`domain '${name}' already exists with`, other);
    const domain = new Domain(this.#loop, uuid, name, this.jobWaits);
    this.#byUuid.set(uuid, domain);
    return domain;
  }

  /** Gives a domain another name. Throws VirError when it has that already, or another has. */
  rename(domain: Domain, name: string): void {
    const invalid = (detail: string): VirError => VirError.of(ErrorCode.operationInvalid, ErrorDomain.domain, detail);
    if (domain.name === name) throw invalid("Can't rename domain to itself");
    if (this.#find((each) => each.name === name) !== undefined)
      throw invalid(`domain with name '${name}' already exists`);
    domain.rename(name);
  }

  /** Forgets the domain if it does not exist (any more) and no job of it is left that might change that. */
  release(domain: Domain): void {
    if (!domain.exists && domain.jobs.isIdle && this.#byUuid.get(domain.uuid) === domain)
      this.#byUuid.delete(domain.uuid);
  }

  find(uuid: string): Domain | undefined {
    const domain = this.#byUuid.get(uuid);
    return domain?.exists === true ? domain : undefined;
  }

  /** `name` is only for the message, as callers know it. Throws VirError (noDomain), as all three. */
  byUuid(uuid: string, name?: string): Domain {
    const domain = this.find(uuid);
    if (domain !== undefined) return domain;
    throw this.#missing(`uuid '${uuid}'${name === undefined ? "" : ` (${name})`}`);
  }

  byName(name: string): Domain {
    return this.#find((each) => each.exists && each.name === name) ?? fail(this.#missing(`name '${name}'`));
  }

  byId(id: number): Domain {
    return this.#find((each) => each.incarnation?.id === id) ?? fail(this.#missing(`id ${id}`));
  }

  #missing(what: string): VirError {
    return VirError.of(ErrorCode.noDomain, this.#driver, `no domain with matching ${what}`);
  }

  #find(matches: (domain: Domain) => boolean): Domain | undefined {
    for (const domain of this.#byUuid.values()) if (matches(domain)) return domain;
    return undefined;
  }
}

function clash(what: string, { uuid }: Domain): VirError {
  return VirError.of(ErrorCode.operationFailed, ErrorDomain.domain, `${what} uuid ${uuid}`);
}

function fail(error: Error): never {
  throw error;
}
