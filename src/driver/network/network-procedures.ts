import { ErrorDomain, VirError } from "../../protocol/index.ts";
import type { CallContext, DriverProcedures } from "../driver.ts";
import { networkLists } from "./network-lists.ts";
import { bridgeNameOf, type Networks } from "./networks.ts";

/** Bits of the calls' `flags`. */
const xml = { inactive: 1 };
const validate = 1;
const update = { live: 1, config: 2 };

/** Networks as libvirt's network driver answers for them. */
export function networkProcedures(networks: Networks): DriverProcedures {
  return {
    networkLookupByName: ({ name }) => ({ net: networks.byName(name).reference }),
    networkLookupByUuid: ({ uuid }) => ({ net: networks.byUuid({ uuid }).reference }),
    networkIsActive: ({ net }) => ({ active: Number(networks.byUuid(net).isActive) }),
    networkIsPersistent: ({ net }) => ({ persistent: Number(networks.byUuid(net).persistent) }),
    networkGetXmlDesc: async ({ net, flags }) => {
      checkFlags(flags, xml.inactive, "networkGetXMLDesc");
      return { xml: await networks.textOf(networks.byUuid(net), (flags & xml.inactive) !== 0) };
    },
    networkGetBridgeName: ({ net }) => ({ name: bridgeNameOf(networks.byUuid(net)) }),
    networkGetAutostart: ({ net }) => ({ autostart: Number(networks.byUuid(net).autostart) }),
    networkGetDhcpLeases: async ({ net, mac, needResults, flags }) => {
      checkFlags(flags, 0, "networkGetDHCPLeases");
      const leases = await networks.leasesOf(networks.byUuid(net), mac, Math.floor(Date.now() / 1000));
      return { leases: needResults === 0 ? [] : [...leases], ret: leases.length };
    },
    ...networkLists(networks, "networkConnectListAllNetworks", ErrorDomain.network),
    ...changeProcedures(networks),
  };
}

function changeProcedures(networks: Networks): DriverProcedures {
  return {
    networkDefineXml: async ({ xml: text }, context) => ({ net: await networks.define(text, patience(context)) }),
    networkDefineXmlFlags: async ({ xml: text, flags }, context) => {
      checkFlags(flags, validate, "networkDefineXMLFlags");
      return { net: await networks.define(text, patience(context)) };
    },
    networkCreateXml: async ({ xml: text }, context) => ({ net: await networks.create(text, patience(context)) }),
    networkCreateXmlFlags: async ({ xml: text, flags }, context) => {
      checkFlags(flags, validate, "networkCreateXMLFlags");
      return { net: await networks.create(text, patience(context)) };
    },
    networkCreate: ({ net }, context) => networks.start(networks.byUuid(net), patience(context)),
    networkDestroy: ({ net }, context) => networks.stop(networks.byUuid(net), patience(context)),
    networkUndefine: ({ net }, context) => networks.undefine(networks.byUuid(net), patience(context)),
    networkSetAutostart: ({ net, autostart }, context) =>
      networks.setAutostart(networks.byUuid(net), autostart !== 0, patience(context)),
    networkUpdate: ({ net, flags, ...change }, context) => {
      checkFlags(flags, update.live | update.config, "networkUpdate");
      return networks.update(networks.byUuid(net), { ...change, flags }, patience(context));
    },
  };
}

/** How long somebody who calls waits. */
function patience({ deadline, signal }: CallContext): { deadline: number | undefined; signal: AbortSignal } {
  return { deadline, signal };
}

/** `caller` as in libvirt's text: the driver's function. */
function checkFlags(flags: number, supported: number, caller: string): void {
  VirError.checkFlags(flags, supported, ErrorDomain.network, caller);
}
