import { array, int, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { lookup, read, readKnown, search } from "./access.ts";
import { HostInterface, listLimit, names, string } from "./base.ts";

/** Network interfaces of the host. */
export const hostInterface = {
  /** How many interfaces are active. */
  connectNumOfInterfaces: proc(126, { ret: { num: int }, ...search("interfaces", "interface") }),
  /** Their names, at most `maxnames`. */
  connectListInterfaces: proc(127, { args: { maxnames: int }, ret: { names }, ...search("interfaces", "interface") }),
  /** Looks up an interface by its name. */
  interfaceLookupByName: proc(128, { args: { name: string }, ret: { iface: HostInterface }, ...lookup("interface") }),
  /** Looks up an interface by its MAC address. */
  interfaceLookupByMacString: proc(129, {
    args: { mac: string },
    ret: { iface: HostInterface },
    ...lookup("interface"),
  }),
  /** Its description, as it is or as it is configured. */
  interfaceGetXmlDesc: proc(130, {
    args: { iface: HostInterface, flags: uint },
    ret: { xml: string },
    ...read("interface"),
  }),
  /** Configures an interface. */
  interfaceDefineXml: proc(131, {
    args: { xml: string, flags: uint },
    ret: { iface: HostInterface },
    acl: "interface:write interface:save",
    priority: true,
  }),
  /** Removes an interface's configuration. */
  interfaceUndefine: proc(132, { args: { iface: HostInterface }, acl: "interface:delete", priority: true }),
  /** Takes an interface up. */
  interfaceCreate: proc(133, { args: { iface: HostInterface, flags: uint }, acl: "interface:start" }),
  /** Takes an interface down. */
  interfaceDestroy: proc(134, { args: { iface: HostInterface, flags: uint }, acl: "interface:stop", priority: true }),
  /** How many interfaces are configured and not active. */
  connectNumOfDefinedInterfaces: proc(137, { ret: { num: int }, ...search("interfaces", "interface") }),
  /** Their names, at most `maxnames`. */
  connectListDefinedInterfaces: proc(138, {
    args: { maxnames: int },
    ret: { names },
    ...search("interfaces", "interface"),
  }),
  /** Whether it is up. */
  interfaceIsActive: proc(156, { args: { iface: HostInterface }, ret: { active: int }, ...readKnown("interface") }),
  /** Remembers the host's network configuration, to come back to it. */
  interfaceChangeBegin: proc(220, { args: { flags: uint }, acl: "connect:interface_transaction" }),
  /** Keeps what was changed since `interfaceChangeBegin`. */
  interfaceChangeCommit: proc(221, { args: { flags: uint }, acl: "connect:interface_transaction" }),
  /** Takes back what was changed since `interfaceChangeBegin`. */
  interfaceChangeRollback: proc(222, { args: { flags: uint }, acl: "connect:interface_transaction" }),
  /** `ret` counts them; `ifaces` is empty unless `needResults` is 1. */
  connectListAllInterfaces: proc(284, {
    args: { needResults: int, flags: uint },
    ret: { ifaces: array(HostInterface, listLimit), ret: uint },
    ...search("interfaces", "interface"),
  }),
} as const;
