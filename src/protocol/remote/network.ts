import { array, hyper, int, optional, struct, uint } from "../../xdr/index.ts";
import { event, proc } from "../procedure.ts";
import { lookup, read, readKnown, search, writeOrSave } from "./access.ts";
import { listLimit, Network, NetworkPort, names, string, uuid } from "./base.ts";
import { typedParams } from "./typed-param.ts";

const DhcpLease = struct("network_dhcp_lease", {
  iface: string,
  expirytime: hyper,
  type: int,
  mac: optional(string),
  iaid: optional(string),
  ipaddr: string,
  prefix: uint,
  hostname: optional(string),
  clientid: optional(string),
});

/** Virtual networks of the host, and their ports. */
export const network = {
  /** Names of the networks that are not active, at most `maxnames`. */
  connectListDefinedNetworks: proc(36, { args: { maxnames: int }, ret: { names }, ...search("networks", "network") }),
  /** Names of the networks that are active, at most `maxnames`. */
  connectListNetworks: proc(38, { args: { maxnames: int }, ret: { names }, ...search("networks", "network") }),
  /** Starts a defined network. */
  networkCreate: proc(39, { args: { net: Network }, acl: "network:start" }),
  /** Starts a network that is forgotten when it ends. */
  networkCreateXml: proc(40, { args: { xml: string }, ret: { net: Network }, acl: "network:write network:start" }),
  /** Makes a definition persistent. */
  networkDefineXml: proc(41, {
    args: { xml: string },
    ret: { net: Network },
    acl: "network:write network:save",
    priority: true,
  }),
  /** Ends a network; the domains on it lose their link. */
  networkDestroy: proc(42, { args: { net: Network }, acl: "network:stop", priority: true }),
  /** The definition, live or persistent. */
  networkGetXmlDesc: proc(43, { args: { net: Network, flags: uint }, ret: { xml: string }, ...readKnown("network") }),
  /** Whether it starts with the daemon. */
  networkGetAutostart: proc(44, { args: { net: Network }, ret: { autostart: int }, ...readKnown("network") }),
  /** The name of its bridge on the host. */
  networkGetBridgeName: proc(45, { args: { net: Network }, ret: { name: string }, ...readKnown("network") }),
  /** Looks up a network by its name. */
  networkLookupByName: proc(46, { args: { name: string }, ret: { net: Network }, ...lookup("network") }),
  /** Looks up a network by its uuid. */
  networkLookupByUuid: proc(47, { args: { uuid }, ret: { net: Network }, ...lookup("network") }),
  /** Sets whether it starts with the daemon. */
  networkSetAutostart: proc(48, { args: { net: Network, autostart: int }, acl: "network:write", priority: true }),
  /** Forgets the definition. */
  networkUndefine: proc(49, { args: { net: Network }, acl: "network:delete", priority: true }),
  /** How many networks are defined and not active. */
  connectNumOfDefinedNetworks: proc(50, { ret: { num: int }, ...search("networks", "network") }),
  /** How many networks are active. */
  connectNumOfNetworks: proc(52, { ret: { num: int }, ...search("networks", "network") }),
  /** Whether it is active. */
  networkIsActive: proc(152, { args: { net: Network }, ret: { active: int }, ...readKnown("network") }),
  /** Whether it has a definition that outlives it. */
  networkIsPersistent: proc(153, { args: { net: Network }, ret: { persistent: int }, ...readKnown("network") }),
  /** `ret` counts them; `nets` is empty unless `needResults` is 1. */
  connectListAllNetworks: proc(283, {
    args: { needResults: int, flags: uint },
    ret: { nets: array(Network, listLimit), ret: uint },
    ...search("networks", "network"),
  }),
  /**
   * Changes one part of a network: VIR_NETWORK_UPDATE_COMMAND_* in VIR_NETWORK_SECTION_*. Some clients swap the two:
   * see feature 16.
   */
  networkUpdate: proc(291, {
    args: { net: Network, command: uint, section: uint, parentIndex: int, xml: string, flags: uint },
    acl: writeOrSave("network", "NETWORK_UPDATE"),
    priority: true,
  }),
  /** Addresses that its DHCP server has given away, to all or to one MAC address. */
  networkGetDhcpLeases: proc(341, {
    args: { net: Network, mac: optional(string), needResults: int, flags: uint },
    ret: { leases: array(DhcpLease, 65_536), ret: uint },
    ...read("network"),
  }),
  /** Connections of domains with it: `ret` counts them; `ports` is empty unless `needResults` is 1. */
  networkListAllPorts: proc(404, {
    args: { network: Network, needResults: int, flags: uint },
    ret: { ports: array(NetworkPort, listLimit), ret: uint },
    acl: "network:search_ports |filter network_port:getattr",
    priority: true,
    readOnly: "allowed",
  }),
  /** Looks up a port by its uuid. */
  networkPortLookupByUuid: proc(405, {
    args: { network: Network, uuid },
    ret: { port: NetworkPort },
    ...lookup("network_port"),
  }),
  /** Makes a port. */
  networkPortCreateXml: proc(406, {
    args: { network: Network, xml: string, flags: uint },
    ret: { port: NetworkPort },
    acl: "network_port:create",
  }),
  /** Bandwidth limits of a port. `nparams` 0 asks how many there are. */
  networkPortGetParameters: proc(407, {
    args: { port: NetworkPort, nparams: int, flags: uint },
    ret: { params: typedParams(16), nparams: int },
    ...read("network_port"),
  }),
  /** Sets bandwidth limits of a port. */
  networkPortSetParameters: proc(408, {
    args: { port: NetworkPort, params: typedParams(16), flags: uint },
    acl: "network_port:write",
  }),
  /** A port's description. */
  networkPortGetXmlDesc: proc(409, {
    args: { port: NetworkPort, flags: uint },
    ret: { xml: string },
    ...read("network_port"),
  }),
  /** Removes a port. */
  networkPortDelete: proc(410, { args: { port: NetworkPort, flags: uint }, acl: "network_port:delete" }),
  /** Like `networkDefineXml`; bit 0 of `flags` checks the XML against the schema first. */
  networkDefineXmlFlags: proc(432, {
    args: { xml: string, flags: uint },
    ret: { net: Network },
    acl: "network:write network:save",
    priority: true,
  }),
  /** Like `networkCreateXml`; bit 0 of `flags` checks the XML against the schema first. */
  networkCreateXmlFlags: proc(437, {
    args: { xml: string, flags: uint },
    ret: { net: Network },
    acl: "network:write network:start",
    priority: true,
  }),
  /** Sets title, description, or an element of the user's own under `uri`; null removes it. */
  networkSetMetadata: proc(444, {
    args: {
      network: Network,
      type: int,
      metadata: optional(string),
      key: optional(string),
      uri: optional(string),
      flags: uint,
    },
    acl: writeOrSave("network", "NETWORK_UPDATE"),
  }),
  /** Title, description, or the user's own element under `uri`. */
  networkGetMetadata: proc(445, {
    args: { network: Network, type: int, uri: optional(string), flags: uint },
    ret: { metadata: string },
    ...read("network"),
  }),
} as const;

/** What becomes of networks, for those who ask. */
export const networkEvents = {
  /** Subscribes to an event (VIR_NETWORK_EVENT_ID_*) of one network, or of all. */
  connectNetworkEventRegisterAny: proc(313, {
    args: { eventId: int, net: optional(Network) },
    ret: { callbackId: int },
    ...search("networks", "network"),
  }),
  /** Ends a subscription. */
  connectNetworkEventDeregisterAny: proc(314, { args: { callbackId: int }, ...readKnown("connect") }),
  /** It was defined, undefined, started or stopped. */
  networkEventLifecycle: event(315, { callbackId: int, net: Network, event: int, detail: int }),
  /** Its title, description or an element of the user's own has changed. */
  networkEventCallbackMetadataChange: event(446, { callbackId: int, net: Network, type: int, nsuri: optional(string) }),
} as const;
