import type { DriverProcedures } from "../../driver.ts";
import { formatNetwork } from "../../network/network-definition.ts";
import { networkFilters } from "../../network/network-filters.ts";
import { changesOf } from "../../network/network-update.ts";
import { bitsOf, select } from "../../objects/flag-filter.ts";
import { checkFlags } from "../failure.ts";
import { bridgeOf, type Network, type Networks } from "./networks.ts";

/** Virtual networks, of which none is there on the host. */
export function networkProcedures(networks: Networks): DriverProcedures {
  const find = ({ name }: { readonly name: string }): Network => networks.byName(name);
  return {
    networkLookupByName: ({ name }) => ({ net: networks.byName(name).reference }),
    networkLookupByUuid: ({ uuid }) => ({ net: networks.byUuid(uuid).reference }),
    networkIsActive: ({ net }) => ({ active: Number(networks.byUuid(net.uuid).isActive) }),
    networkIsPersistent: ({ net }) => ({ persistent: Number(networks.byUuid(net.uuid).persistent) }),
    networkGetXmlDesc: ({ net, flags }) => {
      checkFlags(flags, 0, "testNetworkGetXMLDesc");
      return { xml: formatNetwork(find(net).definition) };
    },
    networkGetBridgeName: ({ net }) => ({ name: bridgeOf(find(net)) }),
    networkGetAutostart: ({ net }) => ({ autostart: Number(find(net).autostart) }),
    networkSetAutostart: ({ net, autostart }) => {
      find(net).autostart = autostart !== 0;
    },
    ...listProcedures(networks),
    networkDefineXml: ({ xml }) => ({ net: networks.define(xml) }),
    networkDefineXmlFlags: ({ xml, flags }) => {
      checkFlags(flags, 1, "testNetworkDefineXMLFlags");
      return { net: networks.define(xml) };
    },
    networkCreateXml: ({ xml }) => ({ net: networks.create(xml) }),
    networkCreateXmlFlags: ({ xml, flags }) => {
      checkFlags(flags, 1, "testNetworkCreateXMLFlags");
      return { net: networks.create(xml) };
    },
    networkCreate: ({ net }) => networks.start(find(net)),
    networkDestroy: ({ net }) => networks.stop(find(net)),
    networkUndefine: ({ net }) => networks.undefine(find(net)),
    networkUpdate: ({ net, command, section, parentIndex, xml, flags }) => {
      checkFlags(flags, 1 | 2, "testNetworkUpdate");
      const network = networks.byUuid(net.uuid);
      const { next, live } = changesOf(network, { command, section, parentIndex, xml, flags });
      if (next !== undefined) network.assign(next);
      if (live !== undefined) network.replace(live);
    },
  };
}

function listProcedures(networks: Networks): DriverProcedures {
  const names = (isActive: boolean): string[] =>
    networks.all.filter((each) => each.isActive === isActive).map(({ name }) => name);
  return {
    connectNumOfNetworks: () => ({ num: names(true).length }),
    connectListNetworks: ({ maxnames }) => ({ names: names(true).slice(0, maxnames) }),
    connectNumOfDefinedNetworks: () => ({ num: names(false).length }),
    connectListDefinedNetworks: ({ maxnames }) => ({ names: names(false).slice(0, maxnames) }),
    connectListAllNetworks: ({ needResults, flags }) => {
      checkFlags(flags, bitsOf(networkFilters), "testConnectListAllNetworks");
      const found = select(networks.all, networkFilters, flags);
      return { nets: needResults === 0 ? [] : found.map(({ reference }) => reference), ret: found.length };
    },
  };
}
