import { linkFeatures } from "../os/index.ts";
import type { ObjectEvent } from "../protocol/index.ts";
import type { DriverProcedures, ObjectEventSource } from "./driver.ts";
import { HostFiles } from "./host-files.ts";
import { hostInterfaceProcedures } from "./interface/host-interface-procedures.ts";
import { HostInterfaces } from "./interface/host-interfaces.ts";
import { hostDeviceProcedures } from "./node-device/host-device-procedures.ts";
import { HostDevices } from "./node-device/host-devices.ts";
import { nwfilterProcedures } from "./nwfilter/nwfilter-procedures.ts";
import { Publisher } from "./publisher.ts";
import { secretProcedures } from "./secret/secret-procedures.ts";
import { Secrets } from "./secret/secrets.ts";

/** What this machine has beside guests, networks and pools: interfaces, devices, secrets, filters. */
export interface MachineObjects {
  readonly procedures: DriverProcedures;
  /** Of secrets; who wants to can subscribe to those of devices, of which nothing is told yet. */
  readonly events: ObjectEventSource;
  readonly secrets: Secrets;
}

/** `onWarning` hears what listeners throw, and of secrets that cannot be read. Rejects with Node's error when there can be none. */
export async function openMachineObjects(
  secretsDir: string,
  onWarning: (error: unknown) => void,
): Promise<MachineObjects> {
  const publisher = new Publisher<ObjectEvent>(onWarning);
  const secrets = await Secrets.open(secretsDir, (event) => publisher.publish(event), onWarning);
  return {
    secrets,
    procedures: machineProcedures(secrets),
    events: { kinds: new Set(["nodeDevice", "secret"]), subscribe: (listener) => publisher.subscribe(listener) },
  };
}

export function machineProcedures(secrets: Secrets): DriverProcedures {
  const files = new HostFiles();
  return {
    ...hostInterfaceProcedures(new HostInterfaces(files)),
    ...hostDeviceProcedures(new HostDevices(files, linkFeatures)),
    ...nwfilterProcedures(),
    ...secretProcedures(secrets),
  };
}
