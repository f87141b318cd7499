import { existsSync } from "node:fs";
import { probe } from "./probe.ts";

export interface KvmProbeOptions {
  /** The device. Default /dev/kvm. */
  readonly node?: string;
  /** A KVM that works answers at once. Default 5000. */
  readonly timeoutMs?: number;
}

/**
 * Whether a QEMU can use KVM on this machine. Opening its device may hang for ever where it is emulated badly: another
 * process tries, and is given up after its deadline.
 */
export class KvmProbe {
  readonly #binary: string;
  readonly #node: string;
  readonly #timeoutMs: number;
  #answer: Promise<boolean> | undefined;

  constructor(binary: string, { node = "/dev/kvm", timeoutMs = 5000 }: KvmProbeOptions = {}) {
    this.#binary = binary;
    this.#node = node;
    this.#timeoutMs = timeoutMs;
  }

  /** Asked once. */
  works(): Promise<boolean> {
    // Looking for the name opens nothing.
    this.#answer ??= existsSync(this.#node) ? this.#try() : Promise.resolve(false);
    return this.#answer;
  }

  async #try(): Promise<boolean> {
    try {
      const options = { accelerator: "kvm", timeoutMs: this.#timeoutMs };
      const [answer] = await probe(this.#binary, [{ execute: "query-kvm" }], options);
      return (answer as { readonly enabled?: boolean } | undefined)?.enabled === true;
    } catch {
      return false;
    }
  }
}
