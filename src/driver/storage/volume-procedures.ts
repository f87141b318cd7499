import { ErrorCode, ErrorDomain, VirError, type StorageVol as WireVolume } from "../../protocol/index.ts";
import type { Stream } from "../../rpc/index.ts";
import type { CallContext, DriverProcedures } from "../driver.ts";
import type { HostPool } from "./host-pool.ts";
import type { HostPools } from "./host-pools.ts";
import type { HostVolume } from "./host-volume.ts";
import type { HostVolumes, MakingFlags, PlacedVolume } from "./host-volumes.ts";
import type { StreamRange } from "./volume-streams.ts";
import { volumeText } from "./volume-text.ts";

/** Bits of the calls' `flags`. */
const making = { preallocate: 1, reflink: 2, validate: 4 };
const resizing = { allocate: 1, delta: 2, shrink: 4 };
const getPhysical = 1;
const sparseStream = 1;
const deleteZeroed = 1;
/** virStorageVolWipeAlgorithm. */
const wiping = { zero: 0, trim: 9 };
/** virStorageVolType. */
const kinds = { file: 0, block: 1, dir: 2 };

/** Volumes as libvirt's storage driver answers for them. */
export function volumeProcedures(pools: HostPools, volumes: HostVolumes): DriverProcedures {
  return {
    ...lookProcedures(pools, volumes),
    ...changeProcedures(pools, volumes),
    ...streamProcedures(volumes),
  };
}

function lookProcedures(pools: HostPools, volumes: HostVolumes): DriverProcedures {
  const active = (pool: { readonly uuid: string; readonly name: string }): HostPool => pools.active(pools.byUuid(pool));
  return {
    storagePoolNumOfVolumes: ({ pool }) => ({ num: active(pool).volumes.length }),
    storagePoolListVolumes: ({ pool, maxnames }) => {
      const names = active(pool).volumes.map(({ name }) => name);
      return { names: names.slice(0, maxnames) };
    },
    storagePoolListAllVolumes: ({ pool, needResults, flags }) => {
      checkFlags(flags, 0, "storagePoolListAllVolumes");
      const found = active(pool);
      const all = found.volumes.map((volume) => wire(found, volume));
      return { vols: needResults === 0 ? [] : all, ret: all.length };
    },
    storageVolLookupByName: ({ pool, name }) => {
      const found = active(pool);
      return { vol: wire(found, found.volume(name)) };
    },
    storageVolLookupByKey: ({ key }) => placed(volumes.search("key", key)),
    storageVolLookupByPath: ({ path }) => placed(volumes.search("path", path)),
    storageVolGetPath: ({ vol }) => ({ name: pools.active(pools.byName(vol.pool)).volume(vol.name).path }),
    storageVolGetInfo: async ({ vol }) => infoOf((await volumes.look(vol)).volume, false),
    storageVolGetInfoFlags: async ({ vol, flags }) => {
      checkFlags(flags, getPhysical, "storageVolGetInfoFlags");
      return infoOf((await volumes.look(vol)).volume, (flags & getPhysical) !== 0);
    },
    storageVolGetXmlDesc: async ({ vol, flags }) => {
      checkFlags(flags, 0, "storageVolGetXMLDesc");
      return { xml: volumeText((await volumes.look(vol)).volume) };
    },
  };
}

function changeProcedures(pools: HostPools, volumes: HostVolumes): DriverProcedures {
  const poolOf = (vol: WireVolume): HostPool => pools.active(pools.byName(vol.pool));
  return {
    storageVolCreateXml: async ({ pool, xml, flags }, context) => {
      checkFlags(flags, making.preallocate | making.validate, "storageVolCreateXML");
      return placed(await volumes.create(pools.byUuid(pool), xml, makingFlags(flags), patience(context)));
    },
    storageVolCreateXmlFrom: async ({ pool, xml, clonevol, flags }, context) => {
      checkFlags(flags, making.preallocate | making.reflink | making.validate, "storageVolCreateXMLFrom");
      return placed(await volumes.clone(pools.byUuid(pool), xml, clonevol, makingFlags(flags), patience(context)));
    },
    storageVolDelete: ({ vol, flags }, context) => {
      checkFlags(flags, deleteZeroed, "virStorageBackendVolDeleteLocal");
      return volumes.remove(poolOf(vol), vol.name, patience(context));
    },
    storageVolResize: ({ vol, capacity, flags }, context) => {
      checkFlags(flags, resizing.allocate | resizing.delta | resizing.shrink, "storageVolResize");
      const has = (bit: number): boolean => (flags & bit) !== 0;
      const how = { allocate: has(resizing.allocate), delta: has(resizing.delta), shrink: has(resizing.shrink) };
      return volumes.resize(poolOf(vol), vol.name, capacity, how, patience(context));
    },
    storageVolWipe: ({ vol, flags }, context) => {
      checkFlags(flags, 0, "storageVolWipe");
      return volumes.wipe(poolOf(vol), vol.name, patience(context));
    },
    storageVolWipePattern: ({ vol, algorithm, flags }, context) => {
      checkFlags(flags, 0, "storageVolWipePattern");
      checkAlgorithm(algorithm);
      return volumes.wipe(poolOf(vol), vol.name, patience(context));
    },
  };
}

function streamProcedures(volumes: HostVolumes): DriverProcedures {
  return {
    storageVolDownload: async ({ vol, offset, length, flags }) => {
      checkFlags(flags, sparseStream, "storageVolDownload");
      const found = await volumes.look(vol);
      const range = rangeOf(offset, length, flags);
      return { ret: undefined, serve: (stream: Stream) => volumes.download(found, range, stream) };
    },
    storageVolUpload: async ({ vol, offset, length, flags }) => {
      checkFlags(flags, sparseStream, "storageVolUpload");
      const found = await volumes.look(vol);
      const range = rangeOf(offset, length, flags);
      return { ret: undefined, serve: (stream: Stream) => volumes.upload(found, range, stream) };
    },
  };
}

/** Files have no longer ones, and numbers are exact up to there. */
function rangeOf(offset: bigint, length: bigint, flags: number): StreamRange {
  const limit = 2n ** 53n;
  if (offset >= limit || length >= limit) {
    throw VirError.of(ErrorCode.overflow, ErrorDomain.storage, `value too large: ${offset > length ? offset : length}`);
  }
  return { offset, length, sparse: (flags & sparseStream) !== 0 };
}

function checkAlgorithm(algorithm: number): void {
  if (algorithm === wiping.zero) return;
  if (algorithm === wiping.trim) {
    throw VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.storage, "'trim' algorithm not supported");
  }
  if (algorithm > wiping.trim) {
    throw VirError.of(ErrorCode.invalidArg, ErrorDomain.storage, `wiping algorithm ${algorithm} not supported`);
  }
  const detail = "wiping with patterns is not supported: zeros (algorithm 0) are";
  throw VirError.of(ErrorCode.argumentUnsupported, ErrorDomain.storage, detail);
}

function infoOf(
  { type, capacity, allocation, physical = 0n }: HostVolume,
  asPhysical: boolean,
): { type: number; capacity: bigint; allocation: bigint } {
  return { type: kinds[type], capacity, allocation: asPhysical ? physical : allocation };
}

function placed({ pool, volume }: PlacedVolume): { vol: WireVolume } {
  return { vol: wire(pool, volume) };
}

function wire({ name: pool }: HostPool, { name, path: key }: HostVolume): WireVolume {
  return { pool, name, key };
}

function makingFlags(flags: number): MakingFlags {
  return { preallocate: (flags & making.preallocate) !== 0, reflink: (flags & making.reflink) !== 0 };
}

/** How long somebody who calls waits. */
function patience({ deadline, signal }: CallContext): { deadline: number | undefined; signal: AbortSignal } {
  return { deadline, signal };
}

function checkFlags(flags: number, supported: number, caller: string): void {
  VirError.checkFlags(flags, supported, ErrorDomain.storage, caller);
}
