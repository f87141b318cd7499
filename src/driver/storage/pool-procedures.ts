import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { CallContext, DriverProcedures } from "../driver.ts";
import type { HostPools } from "./host-pools.ts";
import { poolCapabilities } from "./pool-capabilities.ts";
import { formatPool } from "./pool-definition.ts";
import { poolLists } from "./pool-lists.ts";
import { invalidArgument, noPool } from "./storage-errors.ts";

/** Bits of the calls' `flags`. */
const xml = { inactive: 1 };
const validate = 1;
const building = { build: 1, overwrite: 2, noOverwrite: 4 };
const anyBuilding = building.build | building.overwrite | building.noOverwrite;
/** virStoragePoolState. */
const state = { inactive: 0, running: 2 };

/** Storage pools as libvirt's storage driver answers for them. */
export function poolProcedures(pools: HostPools): DriverProcedures {
  return {
    storagePoolLookupByName: ({ name }) => ({ pool: pools.byName(name).reference }),
    storagePoolLookupByUuid: ({ uuid }) => ({ pool: pools.byUuid({ uuid }).reference }),
    storagePoolLookupByVolume: ({ vol }) => ({ pool: pools.byName(vol.pool).reference }),
    storagePoolLookupByTargetPath: ({ path }) => {
      const clean = path.replaceAll(/\/+/g, "/").replace(/(?<=.)\/$/, "");
      const found = pools.all.find(({ isActive, definition }) => isActive && definition.path === clean);
      if (found === undefined) throw noPool(`no storage pool with matching target path '${path}'`);
      return { pool: found.reference };
    },
    storagePoolIsActive: ({ pool }) => ({ active: Number(pools.byUuid(pool).isActive) }),
    storagePoolIsPersistent: ({ pool }) => ({ persistent: Number(pools.byUuid(pool).persistent) }),
    storagePoolGetInfo: ({ pool }) => {
      const { isActive, sizes } = pools.byUuid(pool);
      return { state: isActive ? state.running : state.inactive, ...sizes };
    },
    storagePoolGetXmlDesc: ({ pool, flags }) => {
      checkFlags(flags, xml.inactive, "storagePoolGetXMLDesc");
      const { definition, nextDefinition, sizes } = pools.byUuid(pool);
      return { xml: formatPool((flags & xml.inactive) === 0 ? definition : nextDefinition, sizes) };
    },
    storagePoolGetAutostart: ({ pool }) => ({ autostart: Number(pools.byUuid(pool).autostart) }),
    storagePoolSetAutostart: ({ pool, autostart }, context) =>
      pools.setAutostart(pools.byUuid(pool), autostart !== 0, patience(context)),
    ...listProcedures(pools),
    ...lifecycleProcedures(pools),
  };
}

function listProcedures(pools: HostPools): DriverProcedures {
  return {
    ...poolLists(pools, "storageConnectListAllStoragePools", ErrorDomain.storage),
    connectGetStoragePoolCapabilities: ({ flags }) => {
      checkFlags(flags, 0, "storageConnectGetStoragePoolCapabilities");
      return { capabilities: poolCapabilities() };
    },
    connectFindStoragePoolSources: ({ type }) => {
      const detail = `pool type '${type}' does not support source discovery`;
      throw VirError.of(ErrorCode.noSupport, ErrorDomain.storage, detail);
    },
  };
}

function lifecycleProcedures(pools: HostPools): DriverProcedures {
  return {
    storagePoolDefineXml: async ({ xml: text, flags }, context) => {
      checkFlags(flags, validate, "storagePoolDefineXML");
      return { pool: await pools.define(text, patience(context)) };
    },
    storagePoolCreateXml: async ({ xml: text, flags }, context) => {
      const build = wantsBuild(flags, "storagePoolCreateXML");
      return { pool: await pools.create(text, build, patience(context)) };
    },
    storagePoolCreate: ({ pool, flags }, context) =>
      pools.start(pools.byUuid(pool), wantsBuild(flags, "storagePoolCreate"), patience(context)),
    storagePoolBuild: ({ pool, flags }, context) => {
      // A directory is made or it is there: there is nothing to be written over.
      checkFlags(flags, 0, "virStorageBackendBuildLocal");
      return pools.build(pools.byUuid(pool), patience(context));
    },
    storagePoolDestroy: ({ pool }, context) => pools.stop(pools.byUuid(pool), patience(context)),
    storagePoolDelete: ({ pool, flags }, context) => {
      checkFlags(flags, 0, "virStorageBackendDeleteLocal");
      return pools.delete(pools.byUuid(pool), patience(context));
    },
    storagePoolRefresh: ({ pool, flags }, context) => {
      checkFlags(flags, 0, "storagePoolRefresh");
      return pools.refresh(pools.byUuid(pool), patience(context));
    },
    storagePoolUndefine: ({ pool }, context) => pools.undefine(pools.byUuid(pool), patience(context)),
  };
}

function wantsBuild(flags: number, caller: string): boolean {
  checkFlags(flags, anyBuilding, caller);
  if ((flags & building.overwrite) !== 0 && (flags & building.noOverwrite) !== 0) {
    throw invalidArgument("Overwrite and no overwrite flags are mutually exclusive");
  }
  return (flags & anyBuilding) !== 0;
}

/** How long somebody who calls waits. */
function patience({ deadline, signal }: CallContext): { deadline: number | undefined; signal: AbortSignal } {
  return { deadline, signal };
}

function checkFlags(flags: number, supported: number, caller: string): void {
  VirError.checkFlags(flags, supported, ErrorDomain.storage, caller);
}
