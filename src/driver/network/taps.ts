import { SystemError, tunPath } from "../../os/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { NetworkMachine, TapQueue } from "./network-machine.ts";
import { device, macOf } from "./network-plan.ts";

export interface TapRequest {
  /** What it is plugged into; undefined: nothing. */
  readonly bridge: string | undefined;
  /** The guest's; the device on our side gets one of its own that never becomes the bridge's. Undefined: any. */
  readonly mac: string | undefined;
  readonly mtu?: number | undefined;
  /** Its name. Default: `vnetN`. */
  readonly name?: string | undefined;
  /** How many descriptors it has. Default 1. */
  readonly queues?: number;
  /** The guest's card is virtio's: frames come with what the other side is told about them. */
  readonly hasHeader?: boolean;
  /** False: somebody else has made it, and set it up; then it has a name. */
  readonly isManaged?: boolean;
}

/** The end on our side of a guest's network card. */
export interface Tap {
  readonly name: string;
  /** One for each queue, for QEMU. */
  readonly fds: readonly number[];
  /** Ours of its descriptors. The device is gone with the last that somebody has, however QEMU ends. Idempotent. */
  close(): void;
}

/** The ends on our side of guests' network cards: `vnet0`, `vnet1` and so on, each plugged into a bridge. */
export class Taps {
  readonly #machine: NetworkMachine;
  /** Names go round, so that one that has just gone is not at once another guest's. */
  #next = 0;

  constructor(machine: NetworkMachine) {
    this.#machine = machine;
  }

  /** Rejects with VirError. */
  async open(request: TapRequest): Promise<Tap> {
    const { bridge, mac, name, isManaged = true } = request;
    const into = bridge === undefined ? undefined : device(bridge);
    const address = mac === undefined ? undefined : `fe${macOf(mac).slice(2)}`;
    if (name !== undefined) device(name);
    if (!isManaged) return this.#take(name ?? "", request);
    const tap = name === undefined ? await this.#make(request) : tapOf(name, this.#open(name, request, true));
    try {
      await this.#setUp(tap.name, into, address, request.mtu);
      return tap;
    } catch (error) {
      tap.close();
      throw error;
    }
  }

  /** One that is there: to the kernel a name that nobody has would be a wish for a new one. */
  async #take(name: string, request: TapRequest): Promise<Tap> {
    if ((await this.#machine.devices()).has(name)) return tapOf(name, this.#open(name, request, false));
    const detail = "target managed='no' but specified dev doesn't exist";
    throw VirError.of(ErrorCode.operationInvalid, ErrorDomain.qemu, detail);
  }

  /** One that has the next name which nobody has. */
  async #make(request: TapRequest): Promise<Tap> {
    for (;;) {
      const taken = await this.#machine.devices();
      while (taken.has(`vnet${this.#next}`)) this.#next++;
      const name = `vnet${this.#next++}`;
      try {
        return tapOf(name, this.#open(name, request, true));
      } catch (error) {
        // Another daemon may have been quicker; anything else would go wrong for ever.
        if (!(await this.#machine.devices()).has(name)) throw error;
      }
    }
  }

  #open(name: string, { queues = 1, hasHeader = false }: TapRequest, isNew: boolean): TapQueue[] {
    const opened: TapQueue[] = [];
    try {
      for (let queue = 0; queue < queues; queue++) {
        const options = { isNew: isNew && queue === 0, hasHeader, isMultiQueue: queues > 1 };
        opened.push(this.#machine.openTap(name, options));
      }
      return opened;
    } catch (error) {
      for (const each of opened) each.close();
      throw refused(name, error);
    }
  }

  async #setUp(
    name: string,
    bridge: string | undefined,
    address: string | undefined,
    mtu: number | undefined,
  ): Promise<void> {
    const { programs } = this.#machine;
    if (bridge !== undefined && !(await this.#machine.devices()).has(bridge)) throw noBridge(bridge);
    const own = address === undefined ? [] : ["address", address];
    const size = mtu === undefined ? [] : ["mtu", String(Math.trunc(mtu))];
    const settings = [...own, ...size];
    if (settings.length > 0) await programs.run("ip", ["link", "set", "dev", name, ...settings]);
    if (bridge !== undefined) await programs.run("ip", ["link", "set", "dev", name, "master", bridge]);
    await programs.run("ip", ["link", "set", "dev", name, "up"]);
  }
}

function tapOf(name: string, queues: readonly TapQueue[]): Tap {
  return {
    name,
    fds: queues.map(({ fd }) => fd),
    close: () => {
      for (const queue of queues) queue.close();
    },
  };
}

/** In libvirt's words. */
function refused(name: string, error: unknown): unknown {
  const what = `Unable to create tap device ${name}`;
  if (error instanceof SystemError) return systemError(what, error.errno, error.code, error);
  const { errno, code = "" } = error as NodeJS.ErrnoException;
  if (errno === undefined) return error;
  return systemError(`Unable to open ${tunPath}, is tun module loaded?`, -errno, code, error);
}

function noBridge(name: string): VirError {
  return systemError(`Cannot get interface MTU on '${name}'`, 19, "ENODEV");
}

function systemError(what: string, errno: number, code: string, cause?: unknown): VirError {
  return VirError.system(ErrorDomain.none, errno, `${what}: ${reasons[code] ?? code}`, cause);
}

/** As the C library says it. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EBUSY: "Device or resource busy",
  EINVAL: "Invalid argument",
  ENODEV: "No such device",
  ENOENT: "No such file or directory",
  EPERM: "Operation not permitted",
};
