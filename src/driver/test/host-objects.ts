import type { ObjectEvent } from "../../protocol/index.ts";
import type { DriverProcedures, ObjectEventSource } from "../driver.ts";
import { Publisher } from "../publisher.ts";
import { defaultInterface } from "./interface/interface-definition.ts";
import { interfaceProcedures } from "./interface/interface-procedures.ts";
import { Interfaces } from "./interface/interfaces.ts";
import { defaultNetwork } from "./network/default-network.ts";
import { networkProcedures } from "./network/network-procedures.ts";
import { Networks } from "./network/networks.ts";
import { defaultDevices } from "./node-device/default-devices.ts";
import { nodeDeviceProcedures } from "./node-device/node-device-procedures.ts";
import { NodeDevices } from "./node-device/node-devices.ts";
import { defaultPool } from "./storage/default-pool.ts";
import { poolProcedures } from "./storage/pool-procedures.ts";
import { Pools } from "./storage/pools.ts";
import { volumeProcedures } from "./storage/volume-procedures.ts";

/** What a host has from the start, as XML; all of it is active. */
export interface HostObjectTexts {
  readonly networks: readonly string[];
  /** With the volumes in them. */
  readonly pools: readonly string[];
  readonly interfaces: readonly string[];
  readonly devices: readonly string[];
}

export const defaultObjects: HostObjectTexts = {
  networks: [defaultNetwork],
  pools: [defaultPool],
  interfaces: [defaultInterface],
  devices: defaultDevices,
};

/** The networks, pools, interfaces and devices of a host that is not there, in memory alone, with their events. */
export class HostObjects {
  readonly events: ObjectEventSource;
  readonly procedures: DriverProcedures;

  /** `onWarning` hears what listeners throw. Throws VirError when a text is wrong. */
  constructor(texts: HostObjectTexts, onWarning: (error: unknown) => void) {
    const publisher = new Publisher<ObjectEvent>(onWarning);
    const tell = (event: ObjectEvent): void => publisher.publish(event);
    this.events = {
      kinds: new Set(["network", "storagePool", "nodeDevice"]),
      subscribe: (listener) => publisher.subscribe(listener),
    };
    const pools = new Pools(texts.pools, tell);
    this.procedures = {
      ...networkProcedures(new Networks(texts.networks, tell)),
      ...poolProcedures(pools),
      ...volumeProcedures(pools),
      ...interfaceProcedures(new Interfaces(texts.interfaces)),
      ...nodeDeviceProcedures(new NodeDevices(texts.devices, tell)),
    };
  }
}
