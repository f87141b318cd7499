import type { Rows } from "./rows.ts";

const affect = { live: 1, config: 2 } as const;
const validate = { validate: 1 } as const;
const start = {
  paused: 1,
  autodestroy: 2,
  bypassCache: 4,
  forceBoot: 8,
  validate: 16,
  resetNvram: 32,
} as const;
const ending = { acpiPowerBtn: 1, guestAgent: 2, initctl: 4, signal: 8, paravirt: 16 } as const;
const save = { bypassCache: 1, running: 2, paused: 4, resetNvram: 8 } as const;
const dump = { crash: 1, live: 2, bypassCache: 4, reset: 8, memoryOnly: 16 } as const;
const snapshotList = {
  roots: 1,
  metadata: 2,
  leaves: 4,
  noLeaves: 8,
  noMetadata: 16,
  inactive: 32,
  active: 64,
  diskOnly: 128,
  internal: 256,
  external: 512,
  topological: 1024,
} as const;
/** Of a snapshot, bit 0 means all below it. */
const snapshotChildren = { ...snapshotList, descendants: 1 } as const;
const checkpointList = { roots: 1, topological: 2, leaves: 4, noLeaves: 8 } as const;
const poolDelete = { zeroed: 1 } as const;
const volumeCreate = { preallocMetadata: 1, reflink: 2, validate: 4 } as const;
const poolCreate = { withBuild: 1, withBuildOverwrite: 2, withBuildNoOverwrite: 4 } as const;

/** The words for the bits of a row's `flags`: libvirt's, without the prefix that the bits of one row share. */
const words = {
  connectListAllDomains: {
    active: 1,
    inactive: 2,
    persistent: 4,
    transient: 8,
    running: 16,
    paused: 32,
    shutoff: 64,
    other: 128,
    managedsave: 256,
    noManagedsave: 512,
    autostart: 1024,
    noAutostart: 2048,
    hasSnapshot: 4096,
    noSnapshot: 8192,
    hasCheckpoint: 16384,
    noCheckpoint: 32768,
  },
  connectListAllNetworks: { inactive: 1, active: 2, persistent: 4, transient: 8, autostart: 16, noAutostart: 32 },
  connectListAllInterfaces: { inactive: 1, active: 2 },
  connectListAllStoragePools: {
    inactive: 1,
    active: 2,
    persistent: 4,
    transient: 8,
    autostart: 16,
    noAutostart: 32,
    dir: 64,
    fs: 128,
    netfs: 256,
    logical: 512,
    disk: 1024,
    iscsi: 2048,
    scsi: 4096,
    mpath: 8192,
    rbd: 16384,
    sheepdog: 32768,
    gluster: 65536,
    zfs: 131072,
    vstorage: 262144,
    iscsiDirect: 524288,
  },
  connectListAllNodeDevices: {
    capSystem: 1,
    capPciDev: 2,
    capUsbDev: 4,
    capUsbInterface: 8,
    capNet: 16,
    capScsiHost: 32,
    capScsiTarget: 64,
    capScsi: 128,
    capStorage: 256,
    capFcHost: 512,
    capVports: 1024,
    capScsiGeneric: 2048,
    capDrm: 4096,
    capMdevTypes: 8192,
    capMdev: 16384,
    capCcwDev: 32768,
    capCssDev: 65536,
    capVdpa: 131072,
    capApCard: 262144,
    capApQueue: 524288,
    capApMatrix: 1048576,
    capVpd: 2097152,
    inactive: 1073741824,
    active: 2147483648,
  },
  connectListAllSecrets: { ephemeral: 1, noEphemeral: 2, private: 4, noPrivate: 8 },
  connectBaselineCpu: { expandFeatures: 1, migratable: 2 },
  connectCompareCpu: { failIncompatible: 1, validateXml: 2 },
  domainCreateXml: start,
  domainCreateXmlWithFiles: start,
  domainCreateWithFlags: start,
  domainCreateWithFiles: start,
  domainDefineXmlFlags: validate,
  domainDestroyFlags: { graceful: 1, removeLogs: 2 },
  domainUndefineFlags: {
    managedSave: 1,
    snapshotsMetadata: 2,
    nvram: 4,
    keepNvram: 8,
    checkpointsMetadata: 16,
    tpm: 32,
    keepTpm: 64,
  },
  domainShutdownFlags: ending,
  domainReboot: ending,
  domainGetXmlDesc: { secure: 1, inactive: 2, updateCpu: 4, migratable: 8 },
  domainSaveFlags: save,
  domainSaveParams: save,
  domainRestoreFlags: save,
  domainRestoreParams: save,
  domainManagedSave: save,
  domainSaveImageGetXmlDesc: { secure: 1 },
  domainSaveImageDefineXml: save,
  domainCoreDump: dump,
  domainCoreDumpWithFormat: dump,
  domainSetVcpusFlags: { ...affect, maximum: 4, guest: 8, hotpluggable: 16 },
  domainGetVcpusFlags: { ...affect, maximum: 4, guest: 8 },
  domainSetMemoryFlags: { ...affect, maximum: 4 },
  domainAttachDeviceFlags: { ...affect, force: 4 },
  domainDetachDeviceFlags: { ...affect, force: 4 },
  domainUpdateDeviceFlags: { ...affect, force: 4 },
  domainSetMemoryParameters: affect,
  domainGetMemoryParameters: affect,
  domainSetBlkioParameters: affect,
  domainGetBlkioParameters: affect,
  domainSetNumaParameters: affect,
  domainGetNumaParameters: affect,
  domainSetInterfaceParameters: affect,
  domainGetInterfaceParameters: affect,
  domainSetBlockIoTune: affect,
  domainGetBlockIoTune: affect,
  domainSetSchedulerParametersFlags: affect,
  domainGetSchedulerParametersFlags: affect,
  domainPinVcpuFlags: affect,
  domainGetVcpuPinInfo: affect,
  domainPinEmulator: affect,
  domainGetEmulatorPinInfo: affect,
  domainPinIothread: affect,
  domainGetIothreadInfo: affect,
  domainAddIothread: affect,
  domainDelIothread: affect,
  domainSetIothreadParams: affect,
  domainSetMetadata: affect,
  domainGetMetadata: affect,
  domainSetMemoryStatsPeriod: affect,
  domainGetPerfEvents: affect,
  domainSetPerfEvents: affect,
  domainSetVcpu: affect,
  domainSetLifecycleAction: affect,
  domainBlockResize: { bytes: 1 },
  domainBlockPull: { bandwidthBytes: 64 },
  domainBlockRebase: {
    shallow: 1,
    reuseExt: 2,
    copyRaw: 4,
    copy: 8,
    relative: 16,
    copyDev: 32,
    bandwidthBytes: 64,
  },
  domainBlockCommit: { shallow: 1, delete: 2, active: 4, relative: 8, bandwidthBytes: 16 },
  domainBlockCopy: { shallow: 1, reuseExt: 2, transientJob: 4, synchronousWrites: 8 },
  domainBlockJobAbort: { async: 1, pivot: 2 },
  domainOpenConsole: { force: 1, safe: 2 },
  domainOpenChannel: { force: 1 },
  domainOpenGraphics: { skipauth: 1 },
  domainBackupBegin: { reuseExternal: 1 },
  domainGetJobStats: { completed: 1, keepCompleted: 2 },
  domainAbortJobFlags: { postcopy: 1 },
  domainFdAssociate: { seclabelRestore: 1, seclabelWritable: 2 },
  domainSnapshotCreateXml: {
    redefine: 1,
    current: 2,
    noMetadata: 4,
    halt: 8,
    diskOnly: 16,
    reuseExt: 32,
    quiesce: 64,
    atomic: 128,
    live: 256,
    validate: 512,
  },
  domainSnapshotGetXmlDesc: { secure: 1 },
  domainSnapshotNum: snapshotList,
  domainSnapshotListNames: snapshotList,
  domainListAllSnapshots: snapshotList,
  domainSnapshotNumChildren: snapshotChildren,
  domainSnapshotListChildrenNames: snapshotChildren,
  domainSnapshotListAllChildren: snapshotChildren,
  domainRevertToSnapshot: { running: 1, paused: 2, force: 4, resetNvram: 8 },
  domainSnapshotDelete: { children: 1, metadataOnly: 2, childrenOnly: 4 },
  domainCheckpointCreateXml: { redefine: 1, quiesce: 2, redefineValidate: 4 },
  domainCheckpointGetXmlDesc: { secure: 1, noDomain: 2, size: 4 },
  domainListAllCheckpoints: checkpointList,
  domainCheckpointListAllChildren: { ...checkpointList, descendants: 1 },
  domainCheckpointDelete: { children: 1, metadataOnly: 2, childrenOnly: 4 },
  networkGetXmlDesc: { inactive: 1 },
  networkDefineXmlFlags: validate,
  networkCreateXmlFlags: validate,
  networkUpdate: affect,
  networkSetMetadata: affect,
  networkGetMetadata: affect,
  interfaceGetXmlDesc: { inactive: 1 },
  storagePoolCreateXml: poolCreate,
  storagePoolCreate: poolCreate,
  storagePoolDefineXml: validate,
  storagePoolBuild: { repair: 1, resize: 2, noOverwrite: 4, overwrite: 8 },
  storagePoolDelete: poolDelete,
  storagePoolGetXmlDesc: { inactive: 1 },
  storageVolCreateXml: volumeCreate,
  storageVolCreateXmlFrom: volumeCreate,
  storageVolDelete: { zeroed: 1, withSnapshots: 2 },
  storageVolResize: { allocate: 1, delta: 2, shrink: 4 },
  storageVolGetInfoFlags: { getPhysical: 1 },
  storageVolUpload: { sparseStream: 1 },
  storageVolDownload: { sparseStream: 1 },
  secretDefineXml: validate,
  nwfilterDefineXmlFlags: validate,
  nodeDeviceCreateXml: validate,
  nodeDeviceDefineXml: validate,
} as const satisfies { readonly [N in keyof Rows]?: Readonly<Record<string, number>> };

type Words = typeof words;

/** The words that a row's `flags` may be said in. */
export type FlagName<N> = N extends keyof Words ? keyof Words[N] & string : never;

/** A row's `flags`: a word, several, or libvirt's own number. */
export type Flags<N> = number | FlagName<N> | readonly FlagName<N>[];

/** The words of a row and their bits. */
export function flagWords(row: string): Readonly<Record<string, number>> {
  return Object.hasOwn(words, row) ? words[row as keyof Words] : {};
}

/** All rows that have words. */
export const wordedRows: readonly string[] = Object.keys(words);

/** Throws TypeError, which names the words there are. */
export function flagBits(row: string, flags: number | string | readonly string[]): number {
  if (typeof flags === "number") return flags;
  const known = flagWords(row);
  let bits = 0;
  for (const word of typeof flags === "string" ? [flags] : flags) {
    const bit = Object.hasOwn(known, word) ? known[word] : undefined;
    if (bit === undefined) {
      const choice = Object.keys(known).join(", ") || "none; give libvirt's number";
      throw new TypeError(`${row} has no flag "${word}"; there are: ${choice}`);
    }
    bits |= bit;
  }
  return bits >>> 0;
}
