import type { Connection, NodeDevice } from "../../open/index.ts";
import { explained, unlessUnsupported } from "./lookup.ts";
import { byName, listFlags, yesNo } from "./object-verbs.ts";
import { about, fromFile, type ThingKind, validating } from "./thing-verbs.ts";
import { treeText } from "./tree-text.ts";
import { type Facts, type Given, PlainFailure, type Verbs } from "./verb.ts";

export const devices: ThingKind<NodeDevice> = {
  parameter: "device",
  find: (connection, name) => {
    const [wwnn = "", wwpn, more] = name.split(",");
    const looking =
      wwpn === undefined || more !== undefined
        ? connection.nodeDeviceLookupByName(name)
        : connection.nodeDeviceLookupScsiHostByWwn({ wwnn, wwpn });
    return explained(looking, `Could not find matching device '${name}'`);
  },
};

/** virsh's words for kinds of devices, and the library's. */
const kinds = {
  system: "capSystem",
  pci: "capPciDev",
  usb_device: "capUsbDev",
  usb: "capUsbInterface",
  net: "capNet",
  scsi_host: "capScsiHost",
  scsi_target: "capScsiTarget",
  scsi: "capScsi",
  storage: "capStorage",
  fc_host: "capFcHost",
  vports: "capVports",
  scsi_generic: "capScsiGeneric",
  drm: "capDrm",
  mdev_types: "capMdevTypes",
  mdev: "capMdev",
  ccw: "capCcwDev",
  css: "capCssDev",
  vdpa: "capVdpa",
  ap_card: "capApCard",
  ap_queue: "capApQueue",
  ap_matrix: "capApMatrix",
  vpd: "capVpd",
} as const;
type Kind = (typeof kinds)[keyof typeof kinds];

/** Throws PlainFailure. */
function kindsOf(given: Given): Kind[] {
  const names = given.text("cap")?.split(",") ?? [];
  return names.map((name) => {
    if (!Object.hasOwn(kinds, name)) throw new PlainFailure("Invalid capability type");
    return kinds[name as keyof typeof kinds];
  });
}

async function list(connection: Connection, given: Given): Promise<Facts> {
  if (given.has("tree")) for (const other of ["cap", "inactive"]) given.exclude("tree", other);
  const flags = [...kindsOf(given), ...listFlags(given)];
  const all = byName(await connection.listAllNodeDevices({ flags }));
  if (!given.has("tree")) {
    const object = all.map(({ name }) => ({ name }));
    return { text: all.map(({ name }) => `${name}\n`).join(""), object };
  }
  const items = await Promise.all(
    all.map(async (device) => {
      const parent = await device.getParent();
      return { name: device.name, parent: device.name === "computer" ? null : parent };
    }),
  );
  return { text: treeText(items), object: items };
}

async function info(connection: Connection, given: Given): Promise<Facts> {
  const device = await devices.find(connection, given.need("device"));
  const [parent, active, persistent, autostart] = await Promise.all([
    device.getParent(),
    unlessUnsupported(device.isActive()),
    unlessUnsupported(device.isPersistent()),
    unlessUnsupported(device.getAutostart()),
  ]);
  return {
    fields: [
      ["Name", device.name],
      ["Parent", parent ?? ""],
      // A driver that has no calls for it has devices that are there.
      ["Active", yesNo(active ?? true)],
      ["Persistent", yesNo(persistent ?? true)],
      ["Autostart", autostart === undefined ? "no autostart" : yesNo(autostart)],
    ],
    width: 16,
    object: {
      name: device.name,
      parent,
      active: active ?? null,
      persistent: persistent ?? null,
      autostart: autostart ?? null,
    },
  };
}

/** A verb that does one thing to a device, and says so. `verb` is what has failed, with % for the device. */
function act(
  help: string,
  verb: string,
  done: (name: string) => string,
  todo: (device: NodeDevice, given: Given) => Promise<unknown>,
  more: Parameters<typeof about>[3] = {},
) {
  const run = async (device: NodeDevice, given: Given): Promise<string> => {
    await todo(device, given);
    return `${done(device.name)}\n`;
  };
  return about(devices, help, run, {
    failure: (given) => `Failed to ${verb.replace("%", given.need("device"))}`,
    ...more,
  });
}

/** What people script about the host's devices. */
export const nodedevVerbs: Verbs = {
  "nodedev-list": {
    help: "lists the host's devices",
    parameters: ["cap?"],
    flags: ["tree", "inactive", "all"],
    failure: () => "Failed to list node devices",
    show: list,
  },
  "nodedev-info": { help: "says what a device of the host is like", parameters: ["device"], show: info },
  "nodedev-dumpxml": about(devices, "shows a device of the host", (device) => device.getXmlDesc()),
  "nodedev-create": fromFile(
    "makes a device of the host that is forgotten with it",
    "Failed to create node device from %",
    async (connection, xml, given) => {
      const { name } = await connection.nodeDeviceCreateXml(xml, validating(given));
      return `Node device ${name} created from ${given.need("file")}\n`;
    },
  ),
  "nodedev-define": fromFile(
    "defines a device of the host",
    "Failed to define node device from '%'",
    async (connection, xml, given) => {
      const { name } = await connection.nodeDeviceDefineXml(xml, validating(given));
      return `Node device '${name}' defined from '${given.need("file")}'\n`;
    },
  ),
  "nodedev-start": act(
    "starts a device of the host",
    "start device %",
    (name) => `Device ${name} started`,
    (device) => device.create(),
  ),
  "nodedev-destroy": act(
    "ends a device of the host",
    "destroy node device '%'",
    (name) => `Destroyed node device '${name}'`,
    (device) => device.destroy(),
  ),
  "nodedev-undefine": act(
    "forgets a device of the host",
    "undefine node device '%'",
    (name) => `Undefined node device '${name}'`,
    (device) => device.undefine(),
  ),
  "nodedev-autostart": {
    ...about(devices, "says that a device of the host starts with it", async (device, given) => {
      const isOff = given.has("disable");
      await device.setAutostart(!isOff);
      return `Device ${device.name} ${isOff ? "unmarked" : "marked"} as autostarted\n`;
    }),
    flags: ["disable"],
    failure: (given) =>
      `failed to ${given.has("disable") ? "un" : ""}mark device ${given.need("device")} as autostarted`,
  },
  "nodedev-detach": act(
    "takes a device from the host, for a guest",
    "detach device %",
    (name) => `Device ${name} detached`,
    (device, given) => {
      const driverName = given.text("driver");
      return driverName === undefined ? device.dettach() : device.detachFlags(driverName);
    },
    { parameters: ["driver?"] },
  ),
  "nodedev-reattach": act(
    "gives the host a device back",
    "re-attach device %",
    (name) => `Device ${name} re-attached`,
    (device) => device.reAttach(),
  ),
  "nodedev-reset": act(
    "resets a device of the host",
    "reset device %",
    (name) => `Device ${name} reset`,
    (device) => device.reset(),
  ),
};
