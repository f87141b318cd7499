/** What kind of places there are for volumes, in the order of virConnectListAllStoragePoolsFlags. */
export interface PoolType {
  readonly name: string;
  /** Its bit in the flags of a list. */
  readonly bit: number;
  /** Parts of the source without which there is no such pool. */
  readonly needs: readonly string[];
  /** The source's format where none is given; absent where there is none. */
  readonly format?: string;
  /** How the volumes' path comes about: it is given, there is none, or it is this one with the source's name. */
  readonly path: string;
  /** The formats that a volume can have, the first where none is given; absent where it has none. */
  readonly volumeFormats?: readonly string[];
  /** Volumes are block devices. */
  readonly isBlock: boolean;
  /** Where it is written what two pools cannot have in common. */
  readonly identity: readonly string[];
}

const images = (
  "raw none dir bochs cloop dmg iso vpc vdi fat vhd ploop cow qcow qcow2 qed vmdk ext2 ext3 ext4 ufs iso9660 udf gfs " +
  "gfs2 vfat hfs+ xfs ocfs2 vmfs"
).split(" ");
const partitions = "none linux fat16 fat32 linux-swap linux-lvm linux-raid extended".split(" ");
const files = { path: "given", volumeFormats: images, isBlock: false } as const;
const blocks = { path: "given", isBlock: true } as const;
const remote = { path: "none", volumeFormats: images, isBlock: false } as const;
const hostAndDir = ["source/host@name", "source/dir@path"];
const device = ["source/device@path"];
const name = ["source/name"];

const types: readonly Omit<PoolType, "bit">[] = [
  { name: "dir", needs: [], identity: ["target/path"], ...files },
  { name: "fs", needs: ["device"], format: "auto", identity: device, ...files },
  { name: "netfs", needs: ["host", "dir"], format: "auto", identity: hostAndDir, ...files },
  { name: "logical", needs: [], format: "lvm2", identity: name, ...blocks, path: "/dev/" },
  { name: "disk", needs: ["device"], format: "unknown", identity: device, ...blocks, volumeFormats: partitions },
  { name: "iscsi", needs: ["host", "device"], identity: ["source/host@name", ...device], ...blocks },
  { name: "scsi", needs: ["adapter"], identity: ["source/adapter@name"], ...blocks },
  { name: "mpath", needs: [], identity: [], ...blocks },
  { name: "rbd", needs: ["host"], identity: ["source/host@name", ...name], ...remote },
  { name: "sheepdog", needs: ["host"], identity: ["source/host@name", ...name], ...remote },
  { name: "gluster", needs: ["host", "dir"], identity: [...hostAndDir, ...name], ...remote },
  { name: "zfs", needs: [], identity: name, ...blocks, path: "/dev/zvol/" },
  { name: "vstorage", needs: [], identity: name, ...files },
  {
    name: "iscsi-direct",
    needs: ["host", "device"],
    identity: ["source/host@name", ...device],
    ...blocks,
    path: "none",
  },
];

/** By name. */
export const poolTypes: ReadonlyMap<string, PoolType> = new Map(
  types.map((type, index) => [type.name, { ...type, bit: 64 << index }]),
);
