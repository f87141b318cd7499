import { Element } from "../../xml/index.ts";
import type { HostFiles } from "../host-files.ts";
import { type DeviceKind, deviceName } from "./device-kind.ts";
import { readUdevRecord, type UdevRecord } from "./udev-record.ts";

/** What the kernel counts a disk's size in, whatever its blocks are. */
const sector = 512n;
const removable: readonly string[] = ["cdrom", "floppy", "sd"];

/** Whole disks and drives; libvirt knows no loops and no memory as such. */
export function storageDevices(files: HostFiles): DeviceKind {
  const recordOf = async (path: string): Promise<UdevRecord> =>
    readUdevRecord(files, `b${(await files.text(`${path}/dev`)) ?? ""}`);
  return {
    capability: "storage",
    directory: "/sys/block",
    find: async (path) => {
      const record = await recordOf(path);
      const name = nameOf(path);
      if (typeOf(name, record) === undefined) return undefined;
      const serial = serialOf(record);
      const full = serial === undefined ? deviceName("block", name) : deviceName("block", name, serial);
      return { name: full, path, node: { path: `/dev/${name.replaceAll("!", "/")}`, links: record.links } };
    },
    describe: async ({ path, node }) => {
      const record = await recordOf(path);
      const type = typeOf(nameOf(path), record) ?? "disk";
      return [
        Element.leaf("block", node?.path ?? ""),
        ...leaves({ bus: record.properties.get("ID_BUS"), drive_type: type }),
        ...leaves({
          model: await files.text(`${path}/device/model`),
          vendor: await files.text(`${path}/device/vendor`),
          serial: serialOf(record),
        }),
        ...(await mediumElements(files, path, removable.includes(type) ? record : undefined)),
      ];
    },
  };
}

/** `drive` is given for one whose medium comes and goes. */
async function mediumElements(files: HostFiles, path: string, drive: UdevRecord | undefined): Promise<Element[]> {
  const size = BigInt((await files.text(`${path}/size`)) ?? 0) * sector;
  const block = BigInt((await files.text(`${path}/queue/logical_block_size`)) ?? sector);
  const blocks = { logical_block_size: String(block), num_blocks: String(size / block) };
  if (drive === undefined) return leaves({ size: String(size), ...blocks });
  const isThere = drive.properties.get("ID_CDROM_MEDIA") === "1" || (!drive.properties.has("ID_CDROM") && size > 0n);
  const label = drive.properties.get("ID_FS_LABEL");
  const medium = { media_available: String(Number(isThere)), media_size: isThere ? String(size) : "0" };
  const rest = isThere ? { media_label: label, ...blocks } : {};
  return [new Element("capability", { type: "removable" }, leaves({ ...medium, ...rest }))];
}

/** Undefined: nobody says that it is one; of virtual disks their name does. */
function typeOf(name: string, { properties }: UdevRecord): string | undefined {
  if (properties.get("ID_CDROM") === "1") return "cdrom";
  if (properties.get("ID_DRIVE_FLOPPY") === "1") return "floppy";
  if (properties.get("ID_DRIVE_FLASH_SD") === "1") return "sd";
  if (/^(vd|xvd|nvme)/.test(name)) return "disk";
  return properties.get("ID_TYPE");
}

function serialOf({ properties }: UdevRecord): string | undefined {
  return properties.get("ID_SCSI_SERIAL") ?? properties.get("ID_SERIAL");
}

function leaves(values: Readonly<Record<string, string | undefined>>): Element[] {
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [Element.leaf(name, value)]));
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
