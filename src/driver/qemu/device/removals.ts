import type { Domain } from "../../../model/index.ts";
import type { JsonObject, MonitorEvent } from "../../../qmp/index.ts";
import { writeXml } from "../../../xml/index.ts";
import type { Part } from "../command-line/index.ts";
import { partsOf } from "../command-line/index.ts";
import type { Guests } from "../guests.ts";
import { changed } from "../modification.ts";
import type { Run } from "../run.ts";
import { deviceByAlias } from "./device-kinds.ts";
import { settleMemory } from "./memory-total.ts";
import { removeParts } from "./parts-on-monitor.ts";

const cleanupMs = 30_000;

/**
 * What becomes of a device that QEMU says is gone, whoever asked for that and however long ago: it leaves the definition of
 * the run, that is told, and then what it stood on in QEMU is taken away.
 *
 * The call that asked may wait for all of it, and give up: then the guest has its own time, and this goes on.
 */
export class Removals {
  readonly #guests: Guests;
  readonly #cleanups = new WeakMap<Run, Map<string, Promise<void>>>();

  constructor(guests: Guests) {
    this.#guests = guests;
  }

  /** Each event of a run's monitor comes here, on the loop. */
  onEvent(domain: Domain, run: Run, { name, data }: MonitorEvent): void {
    const alias = aliasIn(data);
    if (alias === undefined || domain.incarnation !== run.incarnation) return;
    if (name === "DEVICE_DELETED") this.onGone(domain, run, alias);
    else if (name === "DEVICE_UNPLUG_GUEST_ERROR" || name === "MEM_UNPLUG_ERROR") {
      this.#guests.publish({ name: "deviceRemovalFailed", dom: domain.reference, devAlias: alias });
    }
  }

  /** Resolves when all that belonged to the device is gone, after QEMU has said that the device is. */
  async cleanedUp(run: Run, alias: string): Promise<void> {
    await this.#cleanups.get(run)?.get(alias);
  }

  /** QEMU does not have it any more. */
  onGone(domain: Domain, run: Run, alias: string): void {
    const { definition } = domain;
    if (definition === undefined) return;
    const context = this.#guests.contextOf(definition);
    const device = deviceByAlias(context.devices, alias);
    if (device === undefined) return;
    let parts: Part[] = [];
    try {
      parts = partsOf(device, context).filter(({ kind }) => kind !== "device");
    } catch (error) {
      // What it stood on stays in QEMU: better than to guess.
      this.#guests.report(error);
    }
    const transit = { direction: "out", xml: writeXml(device) } as const;
    this.#attempt(() => run.transit.begin([transit]));
    run.describe(
      changed(definition, (root) => {
        const devices = root.first("devices");
        const own = deviceByAlias(devices, alias);
        if (devices !== undefined && own !== undefined) devices.children.splice(devices.children.indexOf(own), 1);
        settleMemory(root, device);
      }),
    );
    this.#guests.publish({ name: "deviceRemoved", dom: domain.reference, devAlias: alias });
    const cleanup = removeParts(run, parts, cleanupMs).then(() => {
      if (run.isResponsive && !run.hasEnded) this.#attempt(() => run.transit.forget([transit]));
      return this.#guests.lending.takeBackUnused(run);
    });
    const cleanups = this.#cleanups.get(run) ?? new Map<string, Promise<void>>();
    cleanups.set(alias, cleanup);
    this.#cleanups.set(run, cleanups);
    const forget = (): void => {
      if (cleanups.get(alias) === cleanup) cleanups.delete(alias);
    };
    cleanup.then(forget, forget);
  }

  #attempt(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#guests.report(error);
    }
  }
}

/** An event names the device by its id, or by a path where it has none. */
function aliasIn({ device, path }: JsonObject): string | undefined {
  if (typeof device === "string") return device;
  return typeof path === "string" ? /^\/machine\/peripheral\/([^/]+)$/.exec(path)?.[1] : undefined;
}
