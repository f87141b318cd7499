import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { ManagedObject } from "../../objects/managed-object.ts";
import { worded } from "../../objects/worded.ts";
import type { PoolDefinition, PoolSizes } from "../../storage/pool-definition.ts";
import { parseVolume, type Volume } from "../../storage/volume-definition.ts";
import { internal } from "../failure.ts";

/** In bytes. */
const poolCapacity = 100n * 1024n ** 3n;

/** A pool of the test hypervisor, with what is in it. Volumes stay when it is stopped and started again. */
export class Pool extends ManagedObject<PoolDefinition> {
  readonly #volumes = new Map<string, Volume>();
  #allocation = 0n;

  get sizes(): PoolSizes {
    const allocation = this.#allocation;
    return { capacity: poolCapacity, allocation, available: poolCapacity - allocation };
  }

  get volumes(): readonly Volume[] {
    return [...this.#volumes.values()];
  }

  /** It counts as empty then, whatever is in it: libvirt's does the same. */
  override assign(definition: PoolDefinition): void {
    super.assign(definition);
    this.#allocation = 0n;
  }

  /** Throws VirError. */
  volume(name: string): Volume {
    const volume = this.#volumes.get(name);
    if (volume === undefined) throw noVolume("name", name);
    return volume;
  }

  /** `model` is the name of one that has to be there already. Throws VirError. */
  addVolume(xml: string, model?: string): Volume {
    const volume = parseVolume(xml, this.definition);
    if (this.#volumes.has(volume.name)) {
      throw VirError.of(ErrorCode.operationFailed, ErrorDomain.test, "storage vol already exists");
    }
    if (model !== undefined) this.volume(model);
    if (volume.allocation > this.sizes.available) {
      throw internal(`Not enough free space in pool for volume '${volume.name}'`);
    }
    this.#volumes.set(volume.name, volume);
    this.#allocation += volume.allocation;
    return volume;
  }

  removeVolume(name: string): void {
    const { allocation } = this.volume(name);
    this.#volumes.delete(name);
    this.#allocation -= allocation;
  }
}

export function noVolume(what: string, value: string): VirError {
  const detail = `no storage vol with matching ${what} '${value}'`;
  return worded(ErrorCode.noStorageVol, ErrorDomain.test, "Storage volume not found", detail);
}
