import { existsSync } from "node:fs";
import type { Loop, Timeout } from "../../event/index.ts";
import { connectUnix } from "../../os/index.ts";
import { introduceDomain, releaseDomain, Xenstore } from "../../xenstore/index.ts";
import type { DomainNews } from "./xen.ts";

/** Where xenstored listens. */
const socketPath = "/run/xenstored/socket";
const againMs = 1_000;

interface FollowedName {
  readonly path: string;
  readonly listener: () => void;
  watch: { readonly added: Promise<unknown>; remove(): void } | undefined;
}

/**
 * Domains come and go: xenstored tells, and again after it has been away.
 *
 *     open -> closed
 */
export class StoreNews implements DomainNews {
  readonly #loop: Loop;
  readonly #report: (error: unknown) => void;
  readonly #listeners = new Set<() => void>();
  readonly #names = new Set<FollowedName>();
  #store: Xenstore | undefined;
  #timer: Timeout | undefined;
  #isClosed = false;

  constructor(loop: Loop, report: (error: unknown) => void) {
    this.#loop = loop;
    this.#report = report;
    this.#connect();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  followName(domid: number, listener: () => void): () => void {
    const followed: FollowedName = { path: `/local/domain/${domid}/name`, listener, watch: undefined };
    this.#names.add(followed);
    if (this.#store?.state === "open") this.#follow(this.#store, followed);
    return () => {
      this.#names.delete(followed);
      followed.watch?.remove();
    };
  }

  /** Idempotent. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.remove();
    this.#store?.close();
  }

  #connect(): void {
    this.#timer = undefined;
    try {
      if (!existsSync(socketPath)) throw new Error(`${socketPath} is not there: is xenstored running?`);
      const store = new Xenstore(this.#loop, connectUnix(this.#loop, socketPath));
      store.open();
      this.#store = store;
      for (const followed of this.#names) this.#follow(store, followed);
      for (const path of [introduceDomain, releaseDomain]) {
        const watch = store.watch(path, () => this.#tell());
        // Whoever waits for it hears of its end by `closed`.
        watch.added.catch(() => {});
        if (path === releaseDomain) void watch.closed.then(() => this.#again(watch.cause));
      }
    } catch (error) {
      this.#again(error);
    }
  }

  /** One that ends with the connection is set up again with the next. */
  #follow(store: Xenstore, followed: FollowedName): void {
    followed.watch = store.watch(followed.path, followed.listener);
    followed.watch.added.catch(() => {});
  }

  #again(cause: unknown): void {
    if (this.#isClosed) return;
    this.#report(new Error("news of Xen's domains is missing for a while", { cause }));
    this.#store?.close();
    this.#timer = this.#loop.timeout(this.#loop.now() + againMs, () => this.#connect(), { name: "xenstored again" });
  }

  #tell(): void {
    for (const listener of Array.from(this.#listeners)) listener();
  }
}
