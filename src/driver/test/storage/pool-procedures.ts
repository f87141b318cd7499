import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { formatPool } from "../../storage/pool-definition.ts";
import { poolLists } from "../../storage/pool-lists.ts";
import { poolTypes } from "../../storage/pool-types.ts";
import { checkFlags, internal, invalidArgument } from "../failure.ts";
import { findSources } from "./pool-sources.ts";
import type { Pools } from "./pools.ts";

/** virStoragePoolState. */
const state = { inactive: 0, running: 2 };

/** Storage pools, of which none is there on the host. */
export function poolProcedures(pools: Pools): DriverProcedures {
  return {
    storagePoolLookupByName: ({ name }) => ({ pool: pools.byName(name).reference }),
    storagePoolLookupByUuid: ({ uuid }) => ({ pool: pools.byUuid(uuid).reference }),
    storagePoolLookupByVolume: ({ vol }) => ({ pool: pools.byName(vol.pool).reference }),
    storagePoolIsActive: ({ pool }) => ({ active: Number(pools.byUuid(pool.uuid).isActive) }),
    storagePoolIsPersistent: ({ pool }) => ({ persistent: Number(pools.byUuid(pool.uuid).persistent) }),
    storagePoolGetInfo: ({ pool }) => {
      const { isActive, sizes } = pools.byName(pool.name);
      return { state: isActive ? state.running : state.inactive, ...sizes };
    },
    storagePoolGetXmlDesc: ({ pool, flags }) => {
      checkFlags(flags, 0, "testStoragePoolGetXMLDesc");
      const { definition, sizes } = pools.byName(pool.name);
      return { xml: formatPool(definition, sizes) };
    },
    storagePoolGetAutostart: ({ pool }) => ({ autostart: Number(pools.byName(pool.name).autostart) }),
    storagePoolSetAutostart: ({ pool, autostart }) => {
      const found = pools.byName(pool.name);
      if (!found.persistent) throw invalidArgument("pool has no config file");
      found.autostart = autostart !== 0;
    },
    ...listProcedures(pools),
    ...lifecycleProcedures(pools),
  };
}

function listProcedures(pools: Pools): DriverProcedures {
  return {
    ...poolLists(pools, "testConnectListAllStoragePools", ErrorDomain.test),
    connectFindStoragePoolSources: ({ type, srcSpec, flags }) => {
      checkFlags(flags, 0, "testConnectFindStoragePoolSources");
      // Its number is 0, which libvirt's test hypervisor takes for none.
      if (type === "dir") throw internal(`unknown storage pool type ${type}`);
      if (!poolTypes.has(type) && (srcSpec ?? "") !== "")
        throw VirError.of(ErrorCode.internalError, ErrorDomain.storage, "missing backend for pool type -1");
      const xml = findSources(type, srcSpec);
      if (xml === undefined) {
        const detail = `pool type '${type}' does not support source discovery`;
        throw VirError.of(ErrorCode.noSupport, ErrorDomain.test, detail);
      }
      return { xml };
    },
  };
}

function lifecycleProcedures(pools: Pools): DriverProcedures {
  return {
    storagePoolDefineXml: ({ xml, flags }) => {
      checkFlags(flags, 1, "testStoragePoolDefineXML");
      return { pool: pools.define(xml) };
    },
    storagePoolCreateXml: ({ xml, flags }) => {
      checkFlags(flags, 0, "testStoragePoolCreateXML");
      return { pool: pools.create(xml) };
    },
    storagePoolCreate: ({ pool, flags }) => {
      checkFlags(flags, 0, "testStoragePoolCreate");
      pools.start(pool.name);
    },
    storagePoolBuild: ({ pool, flags }) => {
      checkFlags(flags, 0, "testStoragePoolBuild");
      pools.build(pool.name);
    },
    storagePoolDestroy: ({ pool }) => pools.stop(pool.name),
    storagePoolDelete: ({ pool, flags }) => {
      checkFlags(flags, 0, "testStoragePoolDelete");
      pools.delete(pool.name);
    },
    storagePoolRefresh: ({ pool, flags }) => {
      checkFlags(flags, 0, "testStoragePoolRefresh");
      pools.refresh(pool.name);
    },
    storagePoolUndefine: ({ pool }) => pools.undefine(pool.name),
  };
}
