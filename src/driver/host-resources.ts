import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Loop } from "../event/index.ts";
import type { ObjectEvent } from "../protocol/index.ts";
import type { DriverProcedures, ObjectEventSource } from "./driver.ts";
import { LocalNetworkMachine } from "./network/local-network-machine.ts";
import type { NetworkMachine } from "./network/network-machine.ts";
import { networkProcedures } from "./network/network-procedures.ts";
import { NetworkRuns } from "./network/network-runs.ts";
import { Networks } from "./network/networks.ts";
import { Taps } from "./network/taps.ts";
import { HostObjectRecords } from "./objects/host-object-records.ts";
import { HostRunRecords } from "./objects/host-run-records.ts";
import { Publisher } from "./publisher.ts";
import { HostPools } from "./storage/host-pools.ts";
import { HostVolumes } from "./storage/host-volumes.ts";
import { poolProcedures } from "./storage/pool-procedures.ts";
import { VolumeFiles } from "./storage/volume-files.ts";
import { volumeProcedures } from "./storage/volume-procedures.ts";

/** Where networks and pools have their files. */
export interface HostResourcePlaces {
  /** Definitions and leases of networks: kept for ever. */
  readonly networkDir: string;
  /** Records of those that run: to vanish with the next boot. */
  readonly networkRunDir: string;
  /** The same of storage pools. */
  readonly poolDir: string;
  readonly poolRunDir: string;
}

export interface HostResourcesOptions {
  readonly places: HostResourcePlaces;
  /** Hears of files that cannot be read, networks that do not start and the like. */
  readonly onWarning: (error: unknown) => void;
  /** Where networks run. Default: here. */
  readonly machine?: NetworkMachine;
}

/**
 * The networks and storage pools of this machine, for a hypervisor that shares them out to its guests.
 *
 *     open -> closed
 *
 * open:  takes up those that run, and starts those that are marked so, the latter once a boot.
 * close: open -> closed; idempotent. Networks run on.
 */
export class HostResources {
  readonly networks: Networks;
  readonly pools: HostPools;
  /** Guests' ends of networks. */
  readonly taps: Taps;
  readonly procedures: DriverProcedures;
  readonly events: ObjectEventSource;

  private constructor(
    networks: Networks,
    pools: HostPools,
    machine: NetworkMachine,
    publisher: Publisher<ObjectEvent>,
  ) {
    const volumes = new HostVolumes(pools, new VolumeFiles(machine.programs));
    this.networks = networks;
    this.pools = pools;
    this.taps = new Taps(machine);
    this.procedures = { ...networkProcedures(networks), ...poolProcedures(pools), ...volumeProcedures(pools, volumes) };
    this.events = {
      kinds: new Set(["network", "storagePool"]),
      subscribe: (listener) => publisher.subscribe(listener),
    };
  }

  /** Rejects with Node's error when a directory cannot be read or made. */
  static async open(loop: Loop, { places, onWarning, machine: given }: HostResourcesOptions): Promise<HostResources> {
    const machine = given ?? new LocalNetworkMachine(loop);
    const publisher = new Publisher<ObjectEvent>(onWarning);
    const tell = (event: ObjectEvent): void => publisher.publish(event);
    const { networkDir, networkRunDir, poolDir, poolRunDir } = places;
    const networks = new Networks({
      loop,
      machine,
      tell,
      report: onWarning,
      records: new HostObjectRecords(networkDir, onWarning),
      runs: new NetworkRuns({
        loop,
        machine,
        runDir: networkRunDir,
        leaseDir: join(networkDir, "leases"),
        report: onWarning,
      }),
    });
    const pools = new HostPools({
      loop,
      tell,
      report: onWarning,
      records: new HostObjectRecords(poolDir, onWarning),
      runs: new HostRunRecords(poolRunDir, machine.boot, onWarning),
    });
    await pools.load();
    await networks.load();
    if (await isFirstTime(join(networkRunDir, "autostarted"), machine.boot)) {
      await Promise.all([pools.startMarked(), networks.startMarked()]);
    }
    return new HostResources(networks, pools, machine, publisher);
  }

  async close(): Promise<void> {
    await Promise.all([this.networks.close(), this.pools.close()]);
  }
}

/** Whoever stops a network does not want it back with the next daemon: what is marked is started once a boot. */
async function isFirstTime(path: string, boot: string): Promise<boolean> {
  const last = await readFile(path, "utf8").catch(() => "");
  if (last === boot) return false;
  await writeFile(path, boot, { mode: 0o600 });
  return true;
}
