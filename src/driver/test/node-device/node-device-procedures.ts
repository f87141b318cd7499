import type { DriverProcedures } from "../../driver.ts";
import { capabilityFilters } from "../../node-device/device-filters.ts";
import { bitsOf, select } from "../../objects/flag-filter.ts";
import { checkFlags } from "../failure.ts";
import type { NodeDevices } from "./node-devices.ts";

const groups = [capabilityFilters];

/** Devices of the host. */
export function nodeDeviceProcedures(devices: NodeDevices): DriverProcedures {
  const namesWith = (capability: string | null): string[] =>
    devices.all
      .filter(({ capabilities }) => capability === null || capabilities.has(capability))
      .map(({ name }) => name);
  /** What it is itself; libvirt's test hypervisor does not count what is within. */
  const ownCapabilities = (name: string): string[] => [...devices.byName(name).capabilities].slice(0, 1);
  return {
    nodeNumOfDevices: ({ cap, flags }) => {
      checkFlags(flags, 0, "testNodeNumOfDevices");
      return { num: namesWith(cap).length };
    },
    nodeListDevices: ({ cap, maxnames, flags }) => {
      checkFlags(flags, 0, "testNodeListDevices");
      return { names: namesWith(cap).slice(0, maxnames) };
    },
    connectListAllNodeDevices: ({ needResults, flags }) => {
      checkFlags(flags, bitsOf(groups), "testConnectListAllNodeDevices");
      const found = select(devices.all, groups, flags);
      return { devices: needResults === 0 ? [] : found.map(({ name }) => ({ name })), ret: found.length };
    },
    nodeDeviceLookupByName: ({ name }) => ({ dev: { name: devices.byName(name).name } }),
    nodeDeviceGetXmlDesc: ({ name, flags }) => {
      checkFlags(flags, 0, "testNodeDeviceGetXMLDesc");
      return { xml: devices.byName(name).xml };
    },
    nodeDeviceGetParent: ({ name }) => ({ parentName: devices.byName(name).parent }),
    nodeDeviceNumOfCaps: ({ name }) => ({ num: ownCapabilities(name).length }),
    nodeDeviceListCaps: ({ name, maxnames }) => ({ names: ownCapabilities(name).slice(0, maxnames) }),
    nodeDeviceCreateXml: ({ xmlDesc, flags }) => {
      checkFlags(flags, 1, "testNodeDeviceCreateXML");
      return { dev: { name: devices.create(xmlDesc).name } };
    },
    nodeDeviceDestroy: ({ name }) => devices.destroy(name),
  };
}
