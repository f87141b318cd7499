import { Deferred, type Loop } from "../../event/index.ts";
import { type DomainConfig, LibxlError } from "../../libxl/index.ts";
import type { VirError } from "../../protocol/index.ts";
import { closed, internal } from "./errors.ts";
import type { Xen } from "./xen.ts";

export interface DomainZeroMemoryOptions {
  readonly loop: Loop;
  readonly xen: Pick<Xen, "commandLine" | "domain" | "shiftMemoryTarget" | "neededMemory" | "physical">;
  /** Hears that domain 0 is left smaller than it was, for nothing. */
  readonly report: (error: unknown) => void;
}

/** Who starts Xen with this has given domain 0 its size, and keeps it so, as with xl. */
const ownSize = /(^|\s)dom0_mem=/;
/** How often it is looked how much domain 0 has given away. */
const lookMs = 200;
/** So long it may stay as it is while it is to give more, or what it has given may not be free yet. */
const stillMs = 10_000;
/** However slowly it gives. */
const mostMs = 600_000;
/** So often what it has given may be taken by others. */
const mostTries = 3;

/**
 * The memory of domain 0, which has all of the machine unless Xen was started otherwise: before a domain is built it gives away
 * what that takes, as with xl and libvirt's own driver. It does not get it back.
 *
 *     made -> loaded -> closed
 *
 * load:  made -> loaded; before a domain is built.
 * close: any -> closed; who waits for memory is refused.
 */
export class DomainZeroMemory {
  readonly #options: DomainZeroMemoryOptions;
  #isShared = false;
  #isClosed = false;
  /** Resolves when nobody builds any more. */
  #last: Promise<void> = Promise.resolve();
  /** While somebody waits for memory. */
  #pause: Deferred | undefined;

  constructor(options: DomainZeroMemoryOptions) {
    this.#options = options;
  }

  async load(): Promise<void> {
    this.#isShared = !ownSize.test(await this.#options.xen.commandLine());
  }

  close(): void {
    this.#isClosed = true;
    this.#pause?.resolve();
  }

  /**
   * Resolves when there is room for a domain of that configuration, with what is to be disposed of once it is built or not: the
   * next one waits for it, so that no two take the same memory for theirs. With undefined, at once, where domain 0 has a size of
   * its own. Rejects with VirError when there is no room.
   */
  async roomFor(config: () => DomainConfig): Promise<Disposable | undefined> {
    if (!this.#isShared) return undefined;
    const before = this.#last;
    const end = new Deferred();
    this.#last = end.promise;
    try {
      await before;
      await this.#makeRoom(config());
    } catch (error) {
      end.resolve();
      throw error;
    }
    return { [Symbol.dispose]: () => end.resolve() };
  }

  async #makeRoom(config: DomainConfig): Promise<void> {
    const { xen, loop, report } = this.#options;
    this.#checkOpen();
    const neededKib = await xen.neededMemory(config);
    const deadline = loop.now() + mostMs;
    let lowered = 0;
    try {
      for (let tries = 0; ; tries++) {
        const missing = await this.#missing(neededKib);
        if (missing <= 0) return;
        if (tries === mostTries) throw noRoom(config, missing);
        const targetKib = await xen.shiftMemoryTarget(0, -missing).catch((error: unknown) => {
          throw error instanceof LibxlError ? noRoom(config, missing, error) : error;
        });
        lowered += missing;
        if (!(await this.#isGiven(neededKib, targetKib, deadline)))
          throw noRoom(config, await this.#missing(neededKib));
      }
    } catch (error) {
      // Else each vain try would have it smaller.
      if (lowered > 0) await xen.shiftMemoryTarget(0, lowered).catch(report);
      throw error;
    }
  }

  /** False: domain 0 does not come down to its target. */
  async #isGiven(neededKib: bigint, targetKib: bigint, deadline: number): Promise<boolean> {
    const { xen, loop } = this.#options;
    let leastKib: bigint | undefined;
    for (let since = loop.now(); loop.now() < Math.min(since + stillMs, deadline); ) {
      await this.#wait();
      if ((await this.#missing(neededKib)) <= 0) return true;
      const sizeKib = (await xen.domain(0))?.currentMemoryKib ?? 0n;
      if (leastKib !== undefined && sizeKib >= leastKib) continue;
      leastKib = sizeKib;
      since = loop.now();
    }
    return leastKib !== undefined && leastKib <= targetKib;
  }

  /** In KiB; less than 1: nothing is. */
  async #missing(neededKib: bigint): Promise<number> {
    return Number(neededKib - (await this.#options.xen.physical()).freeMemoryKib);
  }

  async #wait(): Promise<void> {
    const { loop } = this.#options;
    const pause = new Deferred();
    this.#pause = pause;
    const timeout = loop.timeout(loop.now() + lookMs, () => pause.resolve(), { name: "memory of domain 0" });
    await pause.promise;
    timeout.remove();
    this.#checkOpen();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closed();
  }
}

function noRoom({ c_info }: DomainConfig, missingKib: number, cause?: unknown): VirError {
  const detail =
    `libxenlight failed to get free memory for domain '${c_info?.name ?? ""}': ${missingKib} KiB are missing, which domain 0 ` +
    "does not give away: end other guests, or make it smaller (virsh setmem Domain-0 KIB)";
  return internal(detail, cause);
}
