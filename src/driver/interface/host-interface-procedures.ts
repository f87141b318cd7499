import { ErrorDomain, VirError } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { bitsOf, select } from "../objects/flag-filter.ts";
import type { HostInterface, HostInterfaces } from "./host-interfaces.ts";
import { interfaceFilters } from "./interface-filters.ts";

/** virInterfaceXMLFlags: as it is configured; that is what it is. */
const inactive = 1;

/** To look at the network interfaces of this machine; libvirt 9.0 on Debian does not change them either. */
export function hostInterfaceProcedures(interfaces: HostInterfaces): DriverProcedures {
  const names = async (test: (each: HostInterface) => boolean): Promise<string[]> =>
    (await interfaces.all()).filter(test).map(({ name }) => name);
  return {
    connectNumOfInterfaces: async () => ({ num: (await names(({ isActive }) => isActive)).length }),
    connectListInterfaces: async ({ maxnames }) => ({
      names: (await names(({ isActive }) => isActive)).slice(0, maxnames),
    }),
    connectNumOfDefinedInterfaces: async () => ({ num: (await names(({ isDown }) => isDown)).length }),
    connectListDefinedInterfaces: async ({ maxnames }) => ({
      names: (await names(({ isDown }) => isDown)).slice(0, maxnames),
    }),
    connectListAllInterfaces: async ({ needResults, flags }) => {
      check(flags, bitsOf(interfaceFilters), "udevConnectListAllInterfaces");
      const found = select(await interfaces.all(), interfaceFilters, flags);
      return { ifaces: needResults === 0 ? [] : found.map(referenceTo), ret: found.length };
    },
    interfaceLookupByName: async ({ name }) => ({ iface: referenceTo(await interfaces.byName(name)) }),
    interfaceLookupByMacString: async ({ mac }) => ({ iface: referenceTo(await interfaces.byMac(mac)) }),
    interfaceIsActive: async ({ iface }) => ({ active: Number((await interfaces.byName(iface.name)).isActive) }),
    interfaceGetXmlDesc: async ({ iface, flags }) => {
      check(flags, inactive, "udevInterfaceGetXMLDesc");
      return { xml: await interfaces.describe(iface.name) };
    },
  };
}

function referenceTo({ name, mac }: HostInterface): { readonly name: string; readonly mac: string } {
  return { name, mac };
}

function check(flags: number, supported: number, caller: string): void {
  VirError.checkFlags(flags, supported, ErrorDomain.interface, caller);
}
