import type { DriverProcedures } from "../../driver.ts";
import { interfaceFilters } from "../../interface/interface-filters.ts";
import { bitsOf, select } from "../../objects/flag-filter.ts";
import { checkFlags } from "../failure.ts";
import { formatInterface } from "./interface-definition.ts";
import { type Interfaces, referenceTo } from "./interfaces.ts";

/** Network interfaces, of which none is there on the host. */
export function interfaceProcedures(interfaces: Interfaces): DriverProcedures {
  return {
    interfaceLookupByName: ({ name }) => ({ iface: referenceTo(interfaces.byName(name)) }),
    // Its address comes back as the caller has written it.
    interfaceLookupByMacString: ({ mac }) => ({ iface: { ...referenceTo(interfaces.byMac(mac)), mac } }),
    interfaceIsActive: ({ iface }) => ({ active: Number(interfaces.byName(iface.name).isActive) }),
    interfaceGetXmlDesc: ({ iface, flags }) => {
      checkFlags(flags, 0, "testInterfaceGetXMLDesc");
      return { xml: formatInterface(interfaces.byName(iface.name).definition) };
    },
    interfaceDefineXml: ({ xml, flags }) => {
      checkFlags(flags, 1, "testInterfaceDefineXML");
      return { iface: interfaces.define(xml) };
    },
    interfaceUndefine: ({ iface }) => interfaces.undefine(iface.name),
    interfaceCreate: ({ iface, flags }) => {
      checkFlags(flags, 0, "testInterfaceCreate");
      interfaces.set(iface.name, true);
    },
    interfaceDestroy: ({ iface, flags }) => {
      checkFlags(flags, 0, "testInterfaceDestroy");
      interfaces.set(iface.name, false);
    },
    ...listProcedures(interfaces),
    ...changeProcedures(interfaces),
  };
}

function listProcedures(interfaces: Interfaces): DriverProcedures {
  const names = (isActive: boolean): string[] =>
    interfaces.all.filter((each) => each.isActive === isActive).map(({ definition }) => definition.name);
  return {
    connectNumOfInterfaces: () => ({ num: names(true).length }),
    connectListInterfaces: ({ maxnames }) => ({ names: names(true).slice(0, maxnames) }),
    connectNumOfDefinedInterfaces: () => ({ num: names(false).length }),
    connectListDefinedInterfaces: ({ maxnames }) => ({ names: names(false).slice(0, maxnames) }),
    connectListAllInterfaces: ({ needResults, flags }) => {
      checkFlags(flags, bitsOf(interfaceFilters), "testConnectListAllInterfaces");
      const found = select(interfaces.all, interfaceFilters, flags);
      return { ifaces: needResults === 0 ? [] : found.map((each) => referenceTo(each)), ret: found.length };
    },
  };
}

function changeProcedures(interfaces: Interfaces): DriverProcedures {
  return {
    interfaceChangeBegin: ({ flags }) => {
      checkFlags(flags, 0, "testInterfaceChangeBegin");
      interfaces.begin();
    },
    interfaceChangeCommit: ({ flags }) => {
      checkFlags(flags, 0, "testInterfaceChangeCommit");
      interfaces.commit();
    },
    interfaceChangeRollback: ({ flags }) => {
      checkFlags(flags, 0, "testInterfaceChangeRollback");
      interfaces.rollback();
    },
  };
}
