import { ErrorCode, type ErrorDomain, VirError } from "../../protocol/index.ts";
import { worded } from "./worded.ts";

/** How libvirt speaks of the objects of a set. */
export interface Wording {
  /** "network", in clashes. */
  readonly noun: string;
  /** "network", where one is missed. */
  readonly longNoun: string;
  /** "Network not found". */
  readonly missing: string;
  readonly code: ErrorCode;
  /** Where a missed one is reported, and where a clash is. */
  readonly owner: ErrorDomain;
  readonly domain: ErrorDomain;
}

/** What tells objects apart. */
export interface NamedObject {
  readonly name: string;
  readonly uuid: string;
  readonly isActive: boolean;
}

/** Objects by name and uuid, in the order of their making. */
export class ObjectSet<T extends NamedObject> {
  readonly #wording: Wording;
  readonly #byUuid = new Map<string, T>();
  readonly #byName = new Map<string, T>();

  constructor(wording: Wording) {
    this.#wording = wording;
  }

  [Symbol.iterator](): IterableIterator<T> {
    return this.#byUuid.values();
  }

  /** One that passes `test`. Throws VirError, as the next one. */
  byName(name: string, test: (object: T) => boolean = () => true): T {
    const found = this.#byName.get(name);
    if (found === undefined || !test(found)) throw this.#missed("name", name);
    return found;
  }

  /** `name` is what the caller knows it by, for the error. */
  byUuid(uuid: string, name?: string, test: (object: T) => boolean = () => true): T {
    const found = this.#byUuid.get(uuid);
    if (found === undefined || !test(found)) throw this.#missed("uuid", uuid, name === undefined ? "" : ` (${name})`);
    return found;
  }

  /** Whether it is still one of them. */
  has(object: T): boolean {
    return this.#byUuid.get(object.uuid) === object;
  }

  /** The object that has this uuid and name, if there is one; another may have neither of them. */
  claim({ name, uuid }: Omit<NamedObject, "isActive">): T | undefined {
    const { noun } = this.#wording;
    const known = this.#byUuid.get(uuid);
    if (known !== undefined && known.name !== name)
      throw this.#clash(`${noun} '${known.name}' is already defined with uuid ${uuid}`);
    const other = this.#byName.get(name);
    if (known === undefined && other !== undefined)
      throw this.#clash(`${noun} '${name}' already exists with uuid ${other.uuid}`);
    return known;
  }

  /** As `claim`, for a new run. */
  claimInactive(definition: Omit<NamedObject, "isActive">): T | undefined {
    const known = this.claim(definition);
    if (known?.isActive !== true) return known;
    const detail = `${this.#wording.noun} is already active as '${known.name}'`;
    throw VirError.of(ErrorCode.operationInvalid, this.#wording.domain, detail);
  }

  add(object: T): T {
    this.#byUuid.set(object.uuid, object);
    this.#byName.set(object.name, object);
    return object;
  }

  remove({ name, uuid }: T): void {
    this.#byUuid.delete(uuid);
    this.#byName.delete(name);
  }

  #missed(what: string, value: string, more = ""): VirError {
    const { code, owner, missing, longNoun } = this.#wording;
    return worded(code, owner, missing, `no ${longNoun} with matching ${what} '${value}'${more}`);
  }

  #clash(detail: string): VirError {
    return VirError.of(ErrorCode.operationFailed, this.#wording.domain, detail);
  }
}
