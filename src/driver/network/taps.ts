import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { NetworkMachine } from "./network-machine.ts";
import { device, macOf } from "./network-plan.ts";

export interface TapRequest {
  readonly bridge: string;
  /** The guest's; the device on our side gets one of its own that never becomes the bridge's. */
  readonly mac: string;
  /** Who may open it beside root. */
  readonly uid?: number;
  readonly mtu?: number;
}

/** The ends on our side of guests' network cards: `vnet0`, `vnet1` and so on, each plugged into a bridge. */
export class Taps {
  readonly #machine: NetworkMachine;
  /** Names go round, so that one that has just gone is not at once another guest's. */
  #next = 0;

  constructor(machine: NetworkMachine) {
    this.#machine = machine;
  }

  /** The name of a new one, for `-netdev tap,ifname=NAME,script=no,downscript=no`. Rejects with VirError. */
  async add({ bridge, mac, uid, mtu }: TapRequest): Promise<string> {
    const { programs } = this.#machine;
    const [into, address] = [device(bridge), `fe${macOf(mac).slice(2)}`];
    const name = await this.#make(uid);
    try {
      const size = mtu === undefined ? [] : ["mtu", String(Math.trunc(mtu))];
      await programs.run("ip", ["link", "set", "dev", name, "address", address, ...size]);
      await programs.run("ip", ["link", "set", "dev", name, "master", into]);
      await programs.run("ip", ["link", "set", "dev", name, "up"]);
      return name;
    } catch (error) {
      await this.remove(name).catch(() => undefined);
      throw error;
    }
  }

  /** Nothing when it is gone. Only names that `add` gives are taken. Rejects with VirError. */
  async remove(name: string): Promise<void> {
    if (!/^vnet\d{1,9}$/.test(name)) {
      throw VirError.of(ErrorCode.invalidArg, ErrorDomain.network, `'${name}' is no tap device of a guest`);
    }
    if (!(await this.#machine.devices()).has(name)) return;
    await this.#machine.programs.run("ip", ["tuntap", "del", "dev", name, "mode", "tap"]);
  }

  async #make(uid: number | undefined): Promise<string> {
    const owner = uid === undefined ? [] : ["user", String(Math.trunc(uid))];
    for (;;) {
      const taken = await this.#machine.devices();
      while (taken.has(`vnet${this.#next}`)) this.#next++;
      const name = `vnet${this.#next++}`;
      try {
        await this.#machine.programs.run("ip", ["tuntap", "add", "dev", name, "mode", "tap", ...owner]);
        return name;
      } catch (error) {
        // Another daemon may have been quicker; anything else would go wrong for ever.
        if (!(await this.#machine.devices()).has(name)) throw error;
      }
    }
  }
}
