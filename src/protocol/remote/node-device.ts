import { array, int, optional, uint } from "../../xdr/index.ts";
import { event, proc } from "../procedure.ts";
import { lookup, read, readKnown, search, writeOrSave } from "./access.ts";
import { NodeDevice, nodeDeviceListLimit, string } from "./base.ts";

/** Devices of the host, and handing them to domains. */
export const nodeDevice = {
  /** How many devices there are, of one capability or of all. */
  nodeNumOfDevices: proc(111, {
    args: { cap: optional(string), flags: uint },
    ret: { num: int },
    ...search("node_devices", "node_device"),
  }),
  /** Their names, at most `maxnames`. */
  nodeListDevices: proc(112, {
    args: { cap: optional(string), maxnames: int, flags: uint },
    ret: { names: array(string, nodeDeviceListLimit) },
    ...search("node_devices", "node_device"),
  }),
  /** Looks up a device by its name. */
  nodeDeviceLookupByName: proc(113, { args: { name: string }, ret: { dev: NodeDevice }, ...lookup("node_device") }),
  /** A device's description. */
  nodeDeviceGetXmlDesc: proc(114, {
    args: { name: string, flags: uint },
    ret: { xml: string },
    ...read("node_device"),
  }),
  /** The name of the device that it hangs on. */
  nodeDeviceGetParent: proc(115, {
    args: { name: string },
    ret: { parentName: optional(string) },
    ...readKnown("node_device"),
  }),
  /** How many capabilities it has. */
  nodeDeviceNumOfCaps: proc(116, { args: { name: string }, ret: { num: int }, ...readKnown("node_device") }),
  /** Their names, at most `maxnames`. */
  nodeDeviceListCaps: proc(117, {
    args: { name: string, maxnames: int },
    ret: { names: array(string, nodeDeviceListLimit) },
    ...readKnown("node_device"),
  }),
  /** Takes a device from the host's driver, so that a domain can have it. The spelling is libvirt's. */
  nodeDeviceDettach: proc(118, { args: { name: string }, acl: "node_device:detach" }),
  /** Gives a device back to the host's driver. */
  nodeDeviceReAttach: proc(119, { args: { name: string }, acl: "node_device:detach" }),
  /** Resets a device that is not in use. */
  nodeDeviceReset: proc(120, { args: { name: string }, acl: "node_device:detach" }),
  /** Makes a virtual device: a virtual HBA, a mediated device. */
  nodeDeviceCreateXml: proc(123, {
    args: { xmlDesc: string, flags: uint },
    ret: { dev: NodeDevice },
    acl: "node_device:write node_device:start",
  }),
  /** Removes a virtual device. */
  nodeDeviceDestroy: proc(124, { args: { name: string }, acl: "node_device:stop", priority: true }),
  /** `ret` counts them; `devices` is empty unless `needResults` is 1. */
  connectListAllNodeDevices: proc(285, {
    args: { needResults: int, flags: uint },
    ret: { devices: array(NodeDevice, nodeDeviceListLimit), ret: uint },
    ...search("node_devices", "node_device"),
  }),
  /** Looks up a Fibre Channel host by its node and port names. */
  nodeDeviceLookupScsiHostByWwn: proc(297, {
    args: { wwnn: string, wwpn: string, flags: uint },
    ret: { dev: NodeDevice },
    ...lookup("node_device"),
  }),
  /** Like `nodeDeviceDettach`; `driverName` says who takes it over: "vfio". */
  nodeDeviceDetachFlags: proc(301, {
    args: { name: string, driverName: optional(string), flags: uint },
    acl: "node_device:detach",
  }),
  /** Makes the definition of a mediated device persistent. */
  nodeDeviceDefineXml: proc(428, {
    args: { xmlDesc: string, flags: uint },
    ret: { dev: NodeDevice },
    acl: "node_device:write",
  }),
  /** Forgets the definition of a mediated device. */
  nodeDeviceUndefine: proc(429, { args: { name: string, flags: uint }, acl: "node_device:delete", priority: true }),
  /** Starts a defined mediated device. */
  nodeDeviceCreate: proc(430, { args: { name: string, flags: uint }, acl: "node_device:start", priority: true }),
  /** Whether it starts with the host. */
  nodeDeviceGetAutostart: proc(433, {
    args: { name: string },
    ret: { autostart: int },
    acl: "node_device:read",
    priority: true,
  }),
  /** Sets whether it starts with the host. */
  nodeDeviceSetAutostart: proc(434, {
    args: { name: string, autostart: int },
    acl: "node_device:write",
    priority: true,
  }),
  /** Whether it has a definition that outlives it. */
  nodeDeviceIsPersistent: proc(435, { args: { name: string }, ret: { persistent: int }, ...readKnown("node_device") }),
  /** Whether it is there now. */
  nodeDeviceIsActive: proc(436, { args: { name: string }, ret: { active: int }, ...readKnown("node_device") }),
  /** Changes a mediated device, live or its definition. */
  nodeDeviceUpdate: proc(447, {
    args: { name: string, xmlDesc: string, flags: uint },
    acl: writeOrSave("node_device", "NODE_DEVICE_UPDATE"),
    priority: true,
  }),
} as const;

/** What becomes of devices of the host, for those who ask. */
export const nodeDeviceEvents = {
  /** Subscribes to an event (VIR_NODE_DEVICE_EVENT_ID_*) of one device, or of all. */
  connectNodeDeviceEventRegisterAny: proc(374, {
    args: { eventId: int, dev: optional(NodeDevice) },
    ret: { callbackId: int },
    ...search("node_devices", "node_device"),
  }),
  /** Ends a subscription. */
  connectNodeDeviceEventDeregisterAny: proc(375, { args: { callbackId: int }, ...readKnown("connect") }),
  /** It was plugged, unplugged, defined or undefined. */
  nodeDeviceEventLifecycle: event(376, { callbackId: int, dev: NodeDevice, event: int, detail: int }),
  /** Its description has changed. */
  nodeDeviceEventUpdate: event(377, { callbackId: int, dev: NodeDevice }),
} as const;
