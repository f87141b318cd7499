import { ErrorDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { formatNetwork } from "../../network/network-definition.ts";
import { networkLists } from "../../network/network-lists.ts";
import { changesOf } from "../../network/network-update.ts";
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
    ...networkLists(networks, "testConnectListAllNetworks", ErrorDomain.test),
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
