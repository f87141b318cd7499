import { RecordStore } from "../../model/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  type ObjectEvent,
  ObjectLifecycle,
  type Secret,
  VirError,
} from "../../protocol/index.ts";
import { worded } from "../objects/worded.ts";
import { formatSecret, parseSecret, type SecretDefinition, usageTypeOf } from "./secret-definition.ts";

interface KnownSecret {
  readonly definition: SecretDefinition;
  readonly value: Uint8Array | undefined;
}

/** As `<secret type='iscsi' uuid='...'/>` or `usage='...'` names one. */
export interface SecretReference {
  readonly type: string;
  readonly uuid: string | undefined;
  readonly usage: string | undefined;
}

const lifecycle = ObjectLifecycle.secret;

/**
 * Passwords and keys, in files that only their owner can read, as libvirt keeps them: UUID.xml and, encoded, UUID.base64.
 * An ephemeral one is in memory alone.
 *
 * Changes are made one after the other; each is on disk before anybody sees it.
 */
export class Secrets {
  readonly #definitions: RecordStore;
  readonly #values: RecordStore;
  readonly #tell: (event: ObjectEvent) => void;
  readonly #byUuid = new Map<string, KnownSecret>();
  #changing: Promise<unknown> = Promise.resolve();

  private constructor(directory: string, tell: (event: ObjectEvent) => void) {
    this.#definitions = new RecordStore(directory, ".xml");
    this.#values = new RecordStore(directory, ".base64");
    this.#tell = tell;
  }

  /** `report` hears of files that cannot be read. Rejects with Node's error when the directory cannot be had. */
  static async open(
    directory: string,
    tell: (event: ObjectEvent) => void,
    report: (error: unknown) => void,
  ): Promise<Secrets> {
    const secrets = new Secrets(directory, tell);
    const values = await secrets.#values.load((text, name) => [name, Buffer.from(text, "base64")] as const);
    const definitions = await secrets.#definitions.load(readNamed);
    const byUuid = new Map(values.records);
    for (const definition of definitions.records) {
      const { uuid } = definition.reference;
      secrets.#byUuid.set(uuid, { definition, value: byUuid.get(uuid) });
    }
    for (const { path, error } of [...values.unreadable, ...definitions.unreadable])
      report(new Error(`${path} is not a secret: ${error.message}`, { cause: error }));
    return secrets;
  }

  get all(): readonly SecretDefinition[] {
    return Array.from(this.#byUuid.values(), ({ definition }) => definition);
  }

  /** Throws VirError, as the next one. */
  byUuid(uuid: string): SecretDefinition {
    return this.#known(uuid).definition;
  }

  /** `type` is a virSecretUsageType. */
  byUsage(type: number, id: string): SecretDefinition {
    const found = this.#usedFor(type, id);
    if (found === undefined) throw missed(`no secret with matching usage '${id}'`);
    return found;
  }

  /** Throws VirError when it has none. */
  valueOf(uuid: string): Uint8Array {
    const { value } = this.#known(uuid);
    if (value === undefined) throw missed(`secret '${uuid}' does not have a value`);
    return value;
  }

  /** The value of the one that a guest's definition names, by either. Throws VirError when it is not there, or has none. */
  valueFor({ type, uuid, usage }: SecretReference): Uint8Array {
    return this.valueOf(uuid ?? this.byUsage(usageTypeOf(type), usage ?? "").reference.uuid);
  }

  /** A new one, or another definition for one that keeps its value. Rejects with VirError, or when it cannot be written. */
  define(definition: SecretDefinition): Promise<Secret> {
    return this.#change(async () => {
      const { reference } = definition;
      this.#checkClash(definition);
      const value = this.#byUuid.get(reference.uuid)?.value;
      await this.#keep(definition, value);
      this.#byUuid.set(reference.uuid, { definition, value });
      this.#tell({ name: "secretEventLifecycle", secret: reference, event: lifecycle.defined, detail: 0 });
      return reference;
    });
  }

  undefine(uuid: string): Promise<void> {
    return this.#change(async () => {
      const { reference: secret } = this.byUuid(uuid);
      await this.#discard(uuid);
      this.#byUuid.delete(uuid);
      this.#tell({ name: "secretEventLifecycle", secret, event: lifecycle.undefined, detail: 0 });
    });
  }

  setValue(uuid: string, value: Uint8Array): Promise<void> {
    return this.#change(async () => {
      const { definition } = this.#known(uuid);
      // A copy: the caller's bytes are part of a message.
      const kept = Uint8Array.from(value);
      await this.#keep(definition, kept);
      this.#byUuid.set(uuid, { definition, value: kept });
      this.#tell({ name: "secretEventValueChanged", secret: definition.reference });
    });
  }

  #known(uuid: string): KnownSecret {
    const found = this.#byUuid.get(uuid);
    if (found === undefined) throw missed(`no secret with matching uuid '${uuid}'`);
    return found;
  }

  #usedFor(type: number, id: string): SecretDefinition | undefined {
    const isThat = ({ usageType, usageId }: Secret): boolean => type !== 0 && usageType === type && usageId === id;
    return this.all.find(({ reference }) => isThat(reference));
  }

  #checkClash({ reference: { uuid, usageType, usageId }, isPrivate }: SecretDefinition): void {
    const known = this.#byUuid.get(uuid)?.definition;
    const other = this.#usedFor(usageType, usageId);
    if (known === undefined) {
      if (other === undefined) return;
      throw clash(`a secret with UUID ${other.reference.uuid} already defined for use with ${usageId}`);
    }
    const { reference } = known;
    if (reference.usageType !== usageType || reference.usageId !== usageId) {
      const now = reference.usageType === 0 ? "(null)" : reference.usageId;
      throw clash(`a secret with UUID ${uuid} is already defined for use with ${now}`);
    }
    if (known.isPrivate && !isPrivate) throw clash("cannot change private flag on existing secret");
  }

  /** The value first: a definition never stands there without what was in it. */
  async #keep(definition: SecretDefinition, value: Uint8Array | undefined): Promise<void> {
    const { uuid } = definition.reference;
    if (definition.isEphemeral) return this.#discard(uuid);
    if (value !== undefined) await this.#values.save(uuid, Buffer.from(value).toString("base64"));
    await this.#definitions.save(uuid, formatSecret(definition));
  }

  /** The value first: without a definition nobody would find it. */
  async #discard(uuid: string): Promise<void> {
    await this.#values.remove(uuid);
    await this.#definitions.remove(uuid);
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#changing.then(work);
    this.#changing = result.catch(() => undefined);
    return result;
  }
}

function readNamed(text: string, name: string): SecretDefinition {
  const definition = parseSecret(text);
  if (definition.reference.uuid === name) return definition;
  throw new Error(`it has another uuid than its file: rename it to ${definition.reference.uuid}.xml`);
}

function missed(detail: string): VirError {
  return worded(ErrorCode.noSecret, ErrorDomain.secret, "Secret not found", detail);
}

function clash(detail: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.secret, detail);
}
