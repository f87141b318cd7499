import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { bitsOf, pair, select } from "../objects/flag-filter.ts";
import { capabilityFilters } from "./device-filters.ts";
import type { HostDevice } from "./device-kind.ts";
import type { HostDevices } from "./host-devices.ts";

type Filtered = HostDevice & { readonly capabilities: ReadonlySet<string> };

/** virConnectListAllNodeDeviceFlags; all that there are are there now. */
const groups = [capabilityFilters, pair<Filtered>(2 ** 31, 2 ** 30, () => true)];

/** To look at the devices of this machine. What is asked to change one is refused, as libvirt refuses it for most. */
export function hostDeviceProcedures(devices: HostDevices): DriverProcedures {
  const namesWith = async (wanted: string | null): Promise<string[]> =>
    (await devices.all()).filter(({ capability }) => wanted === null || capability === wanted).map(({ name }) => name);
  return {
    nodeNumOfDevices: async ({ cap, flags }) => {
      check(flags, 0, "nodeNumOfDevices");
      return { num: (await namesWith(cap)).length };
    },
    nodeListDevices: async ({ cap, maxnames, flags }) => {
      check(flags, 0, "nodeListDevices");
      return { names: (await namesWith(cap)).slice(0, maxnames) };
    },
    connectListAllNodeDevices: async ({ needResults, flags }) => {
      check(flags, bitsOf(groups), "nodeConnectListAllNodeDevices");
      const all = (await devices.all()).map((each) => ({ ...each, capabilities: new Set([each.capability]) }));
      const found = select(all, groups, flags);
      return { devices: needResults === 0 ? [] : found.map(({ name }) => ({ name })), ret: found.length };
    },
    nodeDeviceLookupByName: async ({ name }) => ({ dev: { name: (await devices.byName(name)).name } }),
    nodeDeviceGetXmlDesc: async ({ name, flags }) => {
      check(flags, 0, "nodeDeviceGetXMLDesc");
      return { xml: await devices.describe(await devices.byName(name)) };
    },
    nodeDeviceGetParent: async ({ name }) => ({ parentName: (await devices.byName(name)).parent }),
    nodeDeviceNumOfCaps: async ({ name }) => ({ num: capabilitiesOf(await devices.byName(name)).length }),
    nodeDeviceListCaps: async ({ name, maxnames }) => ({
      names: capabilitiesOf(await devices.byName(name)).slice(0, maxnames),
    }),
    ...stateProcedures(devices),
  };
}

/** Devices that only some machines can have have definitions; these are there, or not. */
function stateProcedures(devices: HostDevices): DriverProcedures {
  const isFixed = async (name: string): Promise<number> => Number((await devices.byName(name)).parent === null);
  return {
    nodeDeviceIsActive: async ({ name }) => ({ active: Number((await devices.byName(name)).name === name) }),
    nodeDeviceIsPersistent: async ({ name }) => ({ persistent: await isFixed(name) }),
    nodeDeviceGetAutostart: async ({ name }) => ({ autostart: await isFixed(name) }),
    nodeDeviceCreate: async ({ name }) => {
      await devices.byName(name);
      throw refusal(ErrorCode.operationInvalid, "Device is already active");
    },
    nodeDeviceUndefine: async ({ name }) => {
      if ((await isFixed(name)) === 1) throw refusal(ErrorCode.configUnsupported, "Unsupported device type");
      throw refusal(ErrorCode.operationInvalid, `Node device '${name}' is not defined`);
    },
    nodeDeviceDestroy: async ({ name }) => {
      await devices.byName(name);
      throw refusal(ErrorCode.configUnsupported, "Unsupported device type");
    },
    nodeDeviceSetAutostart: async ({ name }) => {
      await devices.byName(name);
      throw refusal(ErrorCode.operationUnsupported, "Unsupported device type");
    },
  };
}

function capabilitiesOf({ capability }: HostDevice): string[] {
  return [capability];
}

function refusal(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.nodedev, detail);
}

function check(flags: number, supported: number, caller: string): void {
  VirError.checkFlags(flags, supported, ErrorDomain.nodedev, caller);
}
