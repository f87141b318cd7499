import { closeSync } from "node:fs";
import { memoryFile } from "../../../os/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Taps } from "../../network/taps.ts";
import type { DescriptorRequest, Opening } from "../command-line/index.ts";

export type TapSource = Pick<Taps, "open">;

/** Descriptors for a QEMU: ours until they are closed, once QEMU has its own. */
export interface Descriptors {
  /** In the order in which they were asked for. */
  readonly fds: readonly number[];
  /** What tap devices are called, by the alias of their interface. */
  readonly targets: ReadonlyMap<string, string>;
  /** Idempotent. */
  readonly close: () => void;
}

/**
 * Opens what a guest's parts ask for. Tap devices that are made for it are gone with the last descriptor: the kernel takes
 * them away when QEMU ends, however that is, or when it has never begun. Rejects with VirError; then nothing is left open.
 */
export async function openDescriptors(
  requests: readonly DescriptorRequest[],
  taps: TapSource | undefined,
): Promise<Descriptors> {
  const opened = new OpenedDescriptors(requests, taps);
  try {
    for (const request of requests) await opened.add(request);
    return opened;
  } catch (error) {
    opened.close();
    throw error;
  }
}

type TapOpening = Opening & { readonly kind: "tap" };

class OpenedDescriptors implements Descriptors {
  readonly fds: number[] = [];
  readonly targets = new Map<string, string>();
  readonly #requests: readonly DescriptorRequest[];
  readonly #taps: TapSource | undefined;
  /** Of tap devices with several queues: those that nobody has asked for yet. */
  readonly #queues = new Map<string, number[]>();
  readonly #closers: (() => void)[] = [];

  constructor(requests: readonly DescriptorRequest[], taps: TapSource | undefined) {
    this.#requests = requests;
    this.#taps = taps;
  }

  async add({ name, opening }: DescriptorRequest): Promise<void> {
    if (opening.kind === "tap") return this.#addQueue(opening);
    if (opening.kind !== "secret") throw unsupported(`'${name}' needs '${opening.kind}' of the host`);
    const fd = memoryFile(opening.bytes);
    this.#closers.push(() => closeSync(fd));
    this.fds.push(fd);
  }

  readonly close = (): void => {
    for (const close of this.#closers.splice(0)) close();
  };

  async #addQueue(opening: TapOpening): Promise<void> {
    const queues = this.#queues.get(opening.of) ?? (await this.#plug(opening));
    this.#queues.set(opening.of, queues);
    this.fds.push(queues.shift() ?? -1);
  }

  /** All queues of a device at once. */
  async #plug(opening: TapOpening): Promise<number[]> {
    if (this.#taps === undefined) throw unsupported(`interface '${opening.of}' needs a tap device`);
    const isOf = (each: Opening): boolean => each.kind === "tap" && each.of === opening.of;
    const queues = this.#requests.filter((each) => isOf(each.opening)).length;
    const tap = await this.#taps.open({ ...opening, name: opening.device, queues });
    this.#closers.push(() => tap.close());
    this.targets.set(opening.of, tap.name);
    return [...tap.fds];
  }
}

function unsupported(what: string): VirError {
  const detail = `${what}, which this driver cannot provide`;
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}
