import type { StorageVol as WireVolume } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { formatVolume, type Volume } from "../../storage/volume-definition.ts";
import { checkFlags, invalid } from "../failure.ts";
import { noVolume, type Pool } from "./pool.ts";
import type { Pools } from "./pools.ts";

/** virStorageVolType. */
const kind = { file: 0, block: 1, network: 3 };

/** Volumes, which are names and numbers: nothing is written anywhere. */
export function volumeProcedures(pools: Pools): DriverProcedures {
  const at = (vol: WireVolume): { pool: Pool; volume: Volume } => {
    const pool = pools.active(vol.pool);
    return { pool, volume: pool.volume(vol.name) };
  };
  /** Those that inactive pools have cannot be found. */
  const search = (what: string, key: string): { vol: WireVolume } => {
    for (const pool of pools.all.filter(({ isActive }) => isActive)) {
      const volume = pool.volumes.find((each) => each.key === key);
      if (volume !== undefined) return { vol: wire(pool, volume) };
    }
    throw noVolume(what, key);
  };
  return {
    storageVolLookupByName: ({ pool, name }) => {
      const found = pools.active(pool.name);
      return { vol: wire(found, found.volume(name)) };
    },
    storageVolLookupByKey: ({ key }) => search("key", key),
    storageVolLookupByPath: ({ path }) => search("path", path),
    storageVolGetInfo: ({ vol }) => {
      const { pool, volume } = at(vol);
      return { type: kindIn(pool), capacity: volume.capacity, allocation: volume.allocation };
    },
    storageVolGetXmlDesc: ({ vol, flags }) => {
      checkFlags(flags, 0, "testStorageVolGetXMLDesc");
      return { xml: formatVolume(at(vol).volume) };
    },
    storageVolGetPath: ({ vol }) => ({ name: at(vol).volume.key }),
    storageVolCreateXml: ({ pool, xml, flags }) => {
      checkFlags(flags, 4, "testStorageVolCreateXML");
      const found = pools.active(pool.name);
      return { vol: wire(found, found.addVolume(xml)) };
    },
    storageVolCreateXmlFrom: ({ pool, xml, clonevol, flags }) => {
      checkFlags(flags, 4, "testStorageVolCreateXMLFrom");
      const found = pools.active(pool.name);
      return { vol: wire(found, found.addVolume(xml, clonevol.name)) };
    },
    storageVolDelete: ({ vol, flags }) => {
      checkFlags(flags, 0, "testStorageVolDelete");
      const { pool, volume } = at(vol);
      pool.removeVolume(volume.name);
    },
    ...listProcedures(pools),
  };
}

function listProcedures(pools: Pools): DriverProcedures {
  return {
    storagePoolNumOfVolumes: ({ pool }) => ({ num: pools.active(pool.name).volumes.length }),
    storagePoolListVolumes: ({ pool, maxnames }) => {
      const { volumes } = pools.active(pool.name);
      return { names: volumes.slice(0, maxnames).map(({ name }) => name) };
    },
    storagePoolListAllVolumes: ({ pool, needResults, flags }) => {
      checkFlags(flags, 0, "testStoragePoolListAllVolumes");
      const found = pools.byUuid(pool.uuid);
      if (!found.isActive) throw invalid("storage pool is not active");
      const { volumes } = found;
      return { vols: needResults === 0 ? [] : volumes.map((each) => wire(found, each)), ret: volumes.length };
    },
  };
}

function wire({ name: pool }: Pool, { name, key }: Volume): WireVolume {
  return { pool, name, key };
}

function kindIn({ definition: { type } }: Pool): number {
  if (type.isBlock) return kind.block;
  return type.path === "none" ? kind.network : kind.file;
}
