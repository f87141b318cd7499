import { errorDomainOf, VirError } from "../protocol/index.ts";
import { internalError, rpcError } from "./refusal.ts";

type Args = Readonly<Record<string, unknown>>;
/** Says what is wrong; `api` is libvirt's function. */
type Rule = (args: Args, api: string) => VirError | undefined;

/** Throws what libvirt's functions refuse before they ask a driver, whatever the driver. */
export function checkArguments(name: string, args: unknown, api: string | undefined): void {
  const given = rules[name];
  if (given === undefined || api === undefined) return;
  for (const rule of given) {
    const error = rule(args as Args, api);
    if (error !== undefined) throw error;
  }
}

/** `complaint` is libvirt's sentence; `argument` its name for what is wrong. */
function wrong(complaint: string, api: string, argument: string): VirError {
  return VirError.wrongArgument(complaint, errorDomainOf(api), api, argument);
}

function isEmpty(value: unknown): boolean {
  return value === null || value === "" || (typeof value === "object" && "length" in value && value.length === 0);
}

/** An empty list is none: on the wire the two are the same. `theirs` is libvirt's name for it. */
function given(argument: string, theirs = argument): Rule {
  return (args, api) =>
    isEmpty(args[argument]) ? wrong(`${theirs} in ${api} must not be NULL`, api, theirs) : undefined;
}

function text(argument: string, theirs: string): Rule {
  return (args, api) => {
    if (args[argument] === null) return wrong(`${theirs} in ${api} must not be NULL`, api, theirs);
    return args[argument] === "" ? wrong(`string ${theirs} in ${api} must not be empty`, api, theirs) : undefined;
  };
}

function number(argument: string, theirs: string, test: (value: number) => boolean, demand: string): Rule {
  return (args, api) =>
    test(Number(args[argument])) ? undefined : wrong(`${theirs} in ${api} must ${demand}`, api, theirs);
}

const notZero = (argument: string, theirs = argument): Rule =>
  number(argument, theirs, (value) => value !== 0, "not be zero");
const notNegative = (argument: string, theirs = argument): Rule =>
  number(argument, theirs, (value) => value >= 0, "be zero or greater");
const positive = (argument: string, theirs = argument): Rule =>
  number(argument, theirs, (value) => value > 0, "be greater than zero");
const some = (argument: string, theirs: string, demand: string): Rule => {
  return (args, api) =>
    isEmpty(args[argument]) ? wrong(`${theirs} in ${api} must ${demand}`, api, theirs) : undefined;
};

/** Where there is no room for an answer. */
const room: Rule = ({ nparams }, api) =>
  nparams === 0 ? wrong(`params in ${api} must not be NULL`, api, "params") : undefined;

type Flag = readonly [bit: number, name: string];
const has = (args: Args, [bit]: Flag): boolean => (Number(args["flags"]) & bit) !== 0;

function exclusive(one: Flag, other: Flag): Rule {
  return (args, api) => {
    if (!has(args, one) || !has(args, other)) return undefined;
    return wrong(`Flags 'VIR_${one[1]}' and 'VIR_${other[1]}' are mutually exclusive`, api, "ctl");
  };
}

function required(flag: Flag, by: Flag): Rule {
  return (args, api) => {
    if (!has(args, by) || has(args, flag)) return undefined;
    return wrong(`Flag 'VIR_${flag[1]}' is required by flag 'VIR_${by[1]}'`, api, "ctl");
  };
}

/** Limits that libvirtd itself has on how much is asked for: `complaint` for what is above, as `refuse` words it. */
function within(
  argument: string,
  most: number,
  complaint: string,
  refuse: (detail: string) => VirError = internalError,
): Rule {
  return (args) => {
    if (Number(args[argument]) < 0) return refuse(`${argument} must be non-negative`);
    return Number(args[argument]) > most ? refuse(complaint) : undefined;
  };
}

const listed = (argument: string, most: number, limit: string): Rule =>
  within(argument, most, `${argument} > ${limit}`, rpcError);
const fewParams = (most: number): Rule => within("nparams", most, "nparams too large");
const snapshotNames = listed("maxnames", 16_384, "REMOTE_DOMAIN_SNAPSHOT_LIST_MAX");

/** As many maps of CPUs, of `maplen` bytes each. */
function maps(argument: string): readonly Rule[] {
  return [
    within(argument, 16_384, `${argument} > REMOTE_VCPUINFO_MAX`),
    within("maplen", Number.POSITIVE_INFINITY, ""),
    (args) =>
      Number(args[argument]) * Number(args["maplen"]) > 8_388_608
        ? internalError("maxinfo * maplen > REMOTE_CPUMAPS_MAX")
        : undefined,
  ];
}

const mapGiven = (theirs: string): Rule => {
  return ({ maplen }, api) => (maplen === 0 ? wrong(`${theirs} in ${api} must not be NULL`, api, theirs) : undefined);
};

const config: Flag = [2, "DOMAIN_AFFECT_CONFIG"];
const oneDefinition = exclusive([1, "DOMAIN_AFFECT_LIVE"], config);
const stateAfterwards = exclusive([2, "DOMAIN_SAVE_RUNNING"], [4, "DOMAIN_SAVE_PAUSED"]);
const crash: Flag = [1, "DUMP_CRASH"];
const live: Flag = [2, "DUMP_LIVE"];
const reset: Flag = [8, "DUMP_RESET"];
const dump = [exclusive(crash, live), exclusive(crash, reset), exclusive(live, reset)];
const snapshotRedefine: Flag = [1, "DOMAIN_SNAPSHOT_CREATE_REDEFINE"];
const checkpointRedefine: Flag = [1, "DOMAIN_CHECKPOINT_CREATE_REDEFINE"];
/** KEYCODE_SET_*. */
const codesets = 10;
const dumpFormats = 5;
const titleType = 1;
const ownType = 2;

const metadataRules: readonly Rule[] = [
  ({ type, metadata }, api) =>
    type === titleType && String(metadata).includes("\n")
      ? wrong("metadata title can't contain newlines", api, "metadata")
      : undefined,
  ({ type, key, uri, metadata }, api) => {
    const demand = (argument: string, what: string): VirError =>
      wrong(`${argument} in ${api} must ${what}`, api, argument);
    if (type === ownType) {
      if (isEmpty(uri)) return demand("uri", "not be NULL");
      return metadata !== null && isEmpty(key) ? demand("key", "not be NULL") : undefined;
    }
    if (Number(type) > ownType) return undefined;
    if (uri !== null) return demand("uri", "be NULL");
    return key === null ? undefined : demand("key", "be NULL");
  },
];

const rules: Readonly<Record<string, readonly Rule[]>> = {
  connectListDomains: [listed("maxids", 16_384, "REMOTE_DOMAIN_LIST_MAX")],
  connectListDefinedDomains: [listed("maxnames", 16_384, "REMOTE_DOMAIN_LIST_MAX")],
  connectListNetworks: [listed("maxnames", 16_384, "REMOTE_NETWORK_LIST_MAX")],
  connectListDefinedNetworks: [listed("maxnames", 16_384, "REMOTE_NETWORK_LIST_MAX")],
  connectListStoragePools: [listed("maxnames", 16_384, "REMOTE_STORAGE_POOL_LIST_MAX")],
  connectListDefinedStoragePools: [listed("maxnames", 16_384, "REMOTE_STORAGE_POOL_LIST_MAX")],
  storagePoolListVolumes: [listed("maxnames", 16_384, "REMOTE_STORAGE_VOL_LIST_MAX")],
  connectListInterfaces: [listed("maxnames", 16_384, "REMOTE_INTERFACE_LIST_MAX")],
  connectListDefinedInterfaces: [listed("maxnames", 16_384, "REMOTE_INTERFACE_LIST_MAX")],
  nodeListDevices: [listed("maxnames", 65_536, "REMOTE_NODE_DEVICE_LIST_MAX")],
  nodeDeviceListCaps: [listed("maxnames", 65_536, "REMOTE_NODE_DEVICE_CAPS_LIST_MAX")],
  connectListNwfilters: [listed("maxnames", 16_384, "REMOTE_NWFILTER_LIST_MAX")],
  connectListSecrets: [listed("maxuuids", 16_384, "REMOTE_SECRET_LIST_MAX")],
  domainLookupById: [notNegative("id")],
  domainCoreDump: dump,
  domainCoreDumpWithFormat: [
    ({ dumpformat }, api) =>
      Number(dumpformat) < dumpFormats
        ? undefined
        : wrong(`dumpformat '${Number(dumpformat)}' is not supported`, api, "flags"),
    ...dump,
  ],
  domainSaveFlags: [stateAfterwards],
  domainRestoreFlags: [stateAfterwards],
  domainSaveImageDefineXml: [stateAfterwards],
  domainManagedSave: [stateAfterwards],
  domainSetMemory: [notZero("memory")],
  domainSetMemoryFlags: [notZero("memory")],
  domainSetMaxMemory: [notZero("memory")],
  domainSetVcpus: [notZero("nvcpus")],
  domainSetVcpusFlags: [
    required(config, [4, "DOMAIN_VCPU_MAXIMUM"]),
    exclusive([8, "DOMAIN_VCPU_GUEST"], config),
    notZero("nvcpus"),
  ],
  domainGetVcpusFlags: [oneDefinition],
  domainGetVcpus: [
    ...maps("maxinfo"),
    ({ maxinfo }, api) => (maxinfo === 0 ? wrong(`info in ${api} must not be NULL`, api, "info") : undefined),
  ],
  domainPinVcpu: [given("cpumap")],
  domainPinVcpuFlags: [given("cpumap")],
  domainGetVcpuPinInfo: [...maps("ncpumaps"), positive("ncpumaps"), mapGiven("cpumaps"), oneDefinition],
  domainPinEmulator: [given("cpumap")],
  domainGetEmulatorPinInfo: [
    within("maplen", 8_388_608, "maplen > REMOTE_CPUMAPS_MAX"),
    mapGiven("cpumap"),
    oneDefinition,
  ],
  domainGetIothreadInfo: [oneDefinition],
  domainPinIothread: [given("cpumap")],
  domainDelIothread: [notZero("iothreadId", "iothread_id")],
  domainSetIothreadParams: [given("params")],
  domainSetMemoryStatsPeriod: [notNegative("period")],
  domainSetMemoryParameters: [given("params")],
  domainGetMemoryParameters: [fewParams(16), oneDefinition],
  domainSetNumaParameters: [given("params")],
  domainSetBlkioParameters: [given("params")],
  domainGetBlkioParameters: [fewParams(16), oneDefinition],
  domainGetNumaParameters: [fewParams(16)],
  domainGetInterfaceParameters: [fewParams(16)],
  domainSetInterfaceParameters: [given("params")],
  domainSetPerfEvents: [given("params")],
  domainSetBlockIoTune: [some("params", "nparams", "be greater than zero")],
  domainGetBlockIoTune: [
    fewParams(32),
    oneDefinition,
    ({ disk, nparams }, api) =>
      disk === null && nparams !== 0 ? wrong(`disk in ${api} must not be NULL`, api, "disk") : undefined,
  ],
  domainSetSchedulerParameters: [given("params")],
  domainSetSchedulerParametersFlags: [given("params")],
  domainGetSchedulerParameters: [fewParams(16), room],
  domainGetSchedulerParametersFlags: [fewParams(16), room, oneDefinition],
  domainSetLaunchSecurityState: [given("params")],
  domainGetBlockInfo: [text("path", "disk")],
  domainMemoryPeek: [
    within("size", 4_194_304, "size > maximum buffer size"),
    exclusive([1, "MEMORY_VIRTUAL"], [2, "MEMORY_PHYSICAL"]),
  ],
  domainGetCpuStats: [
    fewParams(16),
    within("ncpus", 128, "ncpus too large"),
    ({ startCpu, ncpus }, api) => {
      if (startCpu === -1)
        return ncpus === 1 ? undefined : wrong("ncpus must be 1 when start_cpu is -1", api, "start_cpu");
      return Number(startCpu) < 0 ? wrong(`start_cpu in ${api} must be zero or greater`, api, "start_cpu") : undefined;
    },
  ],
  domainSendKey: [
    given("keycodes"),
    ({ codeset }, api) =>
      Number(codeset) < codesets ? undefined : wrong(`Unsupported codeset '${Number(codeset)}'`, api, "codeset"),
  ],
  domainSendProcessSignal: [notZero("pidValue", "pid_value")],
  domainSetUserPassword: [given("user"), given("password")],
  domainAttach: [notZero("pidValue", "pid_value")],
  secretSetValue: [given("value")],
  domainRename: [text("newName", "new_name")],
  domainAuthorizedSshKeysSet: [
    (args, api) => ((Number(args["flags"]) & 3) === 0 ? undefined : given("keys")(args, api)),
  ],
  domainBlockRebase: [
    (args, api) => {
      const isCopy = has(args, [8, "DOMAIN_BLOCK_REBASE_COPY"]);
      if (isCopy) return given("base")(args, api);
      const isOfCopies = (Number(args["flags"]) & (1 | 2 | 4 | 32)) !== 0;
      return isOfCopies ? wrong("use of flags requires a copy job", api, "flags") : undefined;
    },
  ],
  domainGetJobStats: [required([1, "DOMAIN_JOB_STATS_COMPLETED"], [2, "DOMAIN_JOB_STATS_KEEP_COMPLETED"])],
  domainStartDirtyRateCalc: [
    exclusive([1, "DOMAIN_DIRTYRATE_MODE_DIRTY_BITMAP"], [2, "DOMAIN_DIRTYRATE_MODE_DIRTY_RING"]),
  ],
  domainGetDiskErrors: [within("maxerrors", 256, "maxerrors too large")],
  domainMemoryStats: [within("maxStats", 1_024, "maxStats > REMOTE_DOMAIN_MEMORY_STATS_MAX")],
  domainSnapshotListNames: [snapshotNames],
  domainSnapshotListChildrenNames: [snapshotNames],
  domainGetMetadata: [
    oneDefinition,
    ({ type, uri }, api) => {
      if (type === ownType && uri === null) return wrong(`uri in ${api} must not be NULL`, api, "uri");
      return Number(type) < ownType && uri !== null ? wrong(`uri in ${api} must be NULL`, api, "uri") : undefined;
    },
  ],
  domainSetMetadata: metadataRules,
  domainSnapshotCreateXml: [
    required(snapshotRedefine, [2, "DOMAIN_SNAPSHOT_CREATE_CURRENT"]),
    exclusive(snapshotRedefine, [4, "DOMAIN_SNAPSHOT_CREATE_NO_METADATA"]),
    exclusive(snapshotRedefine, [8, "DOMAIN_SNAPSHOT_CREATE_HALT"]),
  ],
  domainRevertToSnapshot: [exclusive([1, "DOMAIN_SNAPSHOT_REVERT_RUNNING"], [2, "DOMAIN_SNAPSHOT_REVERT_PAUSED"])],
  domainSnapshotDelete: [
    exclusive([1, "DOMAIN_SNAPSHOT_DELETE_CHILDREN"], [4, "DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY"]),
  ],
  domainCheckpointCreateXml: [
    required(checkpointRedefine, [4, "DOMAIN_CHECKPOINT_CREATE_REDEFINE_VALIDATE"]),
    exclusive(checkpointRedefine, [2, "DOMAIN_CHECKPOINT_CREATE_QUIESCE"]),
  ],
  domainCheckpointDelete: [
    exclusive([1, "DOMAIN_CHECKPOINT_DELETE_CHILDREN"], [4, "DOMAIN_CHECKPOINT_DELETE_CHILDREN_ONLY"]),
  ],
  connectBaselineCpu: [given("xmlCpus")],
  nodeGetCellsFreeMemory: [
    listed("maxcells", 1_024, "REMOTE_NODE_MAX_CELLS"),
    positive("maxcells", "maxCells"),
    notNegative("startCell"),
  ],
  nodeGetCpuStats: [
    fewParams(16),
    ({ cpuNum }, api) =>
      Number(cpuNum) < -1 ? wrong(`cpuNum in ${api} only accepts -1 as a negative value`, api, "cpuNum") : undefined,
  ],
  nodeGetFreePages: [
    ({ pages, cellCount }) =>
      (pages as readonly unknown[]).length * Number(cellCount) > 1_024
        ? internalError("the result won't fit into REMOTE_NODE_MAX_CELLS")
        : undefined,
    some("pages", "npages", "not be zero"),
    notZero("cellCount"),
  ],
};

/** The calls of which anything is refused here. */
export const ruledCalls: readonly string[] = Object.keys(rules);
