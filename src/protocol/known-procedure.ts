import { ErrorDomain } from "./error-codes.ts";

/**
 * Who stands behind each number of the REMOTE program, from 1, ten to a line: libvirt's public function without its
 * `vir`; `!` before it when a read-only connection must not call it; `auth` for the steps of authentication; `-` for an
 * event, which nobody calls. It says how to refuse what has no row in the table yet.
 */
const names = `
1: ConnectOpen ConnectClose ConnectGetType ConnectGetVersion ConnectGetMaxVcpus NodeGetInfo ConnectGetCapabilities
  !DomainAttachDevice !DomainCreate !DomainCreateXML
11: !DomainDefineXML !DomainDestroy !DomainDetachDevice DomainGetXMLDesc DomainGetAutostart DomainGetInfo
  DomainGetMaxMemory DomainGetMaxVcpus DomainGetOSType DomainGetVcpus
21: ConnectListDefinedDomains DomainLookupByID DomainLookupByName DomainLookupByUUID ConnectNumOfDefinedDomains
  !DomainPinVcpu !DomainReboot !DomainResume !DomainSetAutostart !DomainSetMaxMemory
31: !DomainSetMemory !DomainSetVcpus !DomainShutdown !DomainSuspend !DomainUndefine ConnectListDefinedNetworks
  ConnectListDomains ConnectListNetworks !NetworkCreate !NetworkCreateXML
41: !NetworkDefineXML !NetworkDestroy NetworkGetXMLDesc NetworkGetAutostart NetworkGetBridgeName NetworkLookupByName
  NetworkLookupByUUID !NetworkSetAutostart !NetworkUndefine ConnectNumOfDefinedNetworks
51: ConnectNumOfDomains ConnectNumOfNetworks !DomainCoreDump !DomainRestore !DomainSave DomainGetSchedulerType
  DomainGetSchedulerParameters !DomainSetSchedulerParameters ConnectGetHostname ConnectSupportsFeature
61: !DomainMigratePrepare !DomainMigratePerform !DomainMigrateFinish DomainBlockStats DomainInterfaceStats auth auth
  auth auth auth
71: ConnectNumOfStoragePools ConnectListStoragePools ConnectNumOfDefinedStoragePools ConnectListDefinedStoragePools
  !ConnectFindStoragePoolSources !StoragePoolCreateXML !StoragePoolDefineXML !StoragePoolCreate !StoragePoolBuild
  !StoragePoolDestroy
81: !StoragePoolDelete !StoragePoolUndefine !StoragePoolRefresh StoragePoolLookupByName StoragePoolLookupByUUID
  StoragePoolLookupByVolume StoragePoolGetInfo StoragePoolGetXMLDesc StoragePoolGetAutostart !StoragePoolSetAutostart
91: StoragePoolNumOfVolumes StoragePoolListVolumes !StorageVolCreateXML !StorageVolDelete StorageVolLookupByName
  StorageVolLookupByKey StorageVolLookupByPath StorageVolGetInfo StorageVolGetXMLDesc StorageVolGetPath
101: NodeGetCellsFreeMemory NodeGetFreeMemory !DomainBlockPeek !DomainMemoryPeek ConnectDomainEventRegister
  ConnectDomainEventDeregister - !DomainMigratePrepare2 !DomainMigrateFinish2 ConnectGetURI
111: NodeNumOfDevices NodeListDevices NodeDeviceLookupByName NodeDeviceGetXMLDesc NodeDeviceGetParent
  NodeDeviceNumOfCaps NodeDeviceListCaps !NodeDeviceDettach !NodeDeviceReAttach !NodeDeviceReset
121: DomainGetSecurityLabel NodeGetSecurityModel !NodeDeviceCreateXML !NodeDeviceDestroy !StorageVolCreateXMLFrom
  ConnectNumOfInterfaces ConnectListInterfaces InterfaceLookupByName InterfaceLookupByMACString InterfaceGetXMLDesc
131: !InterfaceDefineXML !InterfaceUndefine !InterfaceCreate !InterfaceDestroy !ConnectDomainXMLFromNative
  !ConnectDomainXMLToNative ConnectNumOfDefinedInterfaces ConnectListDefinedInterfaces ConnectNumOfSecrets
  ConnectListSecrets
141: SecretLookupByUUID !SecretDefineXML SecretGetXMLDesc !SecretSetValue !SecretGetValue !SecretUndefine
  SecretLookupByUsage !DomainMigratePrepareTunnel ConnectIsSecure DomainIsActive
151: DomainIsPersistent NetworkIsActive NetworkIsPersistent StoragePoolIsActive StoragePoolIsPersistent
  InterfaceIsActive ConnectGetLibVersion ConnectCompareCPU DomainMemoryStats !DomainAttachDeviceFlags
161: !DomainDetachDeviceFlags ConnectBaselineCPU DomainGetJobInfo !DomainAbortJob !StorageVolWipe
  !DomainMigrateSetMaxDowntime ConnectDomainEventRegisterAny ConnectDomainEventDeregisterAny - -
171: - - - !DomainUpdateDeviceFlags NWFilterLookupByName NWFilterLookupByUUID NWFilterGetXMLDesc ConnectNumOfNWFilters
  ConnectListNWFilters !NWFilterDefineXML
181: !NWFilterUndefine !DomainManagedSave DomainHasManagedSaveImage !DomainManagedSaveRemove !DomainSnapshotCreateXML
  DomainSnapshotGetXMLDesc DomainSnapshotNum DomainSnapshotListNames DomainSnapshotLookupByName
  DomainHasCurrentSnapshot
191: DomainSnapshotCurrent !DomainRevertToSnapshot !DomainSnapshotDelete DomainGetBlockInfo - !DomainCreateWithFlags
  !DomainSetMemoryParameters DomainGetMemoryParameters !DomainSetVcpusFlags DomainGetVcpusFlags
201: !DomainOpenConsole DomainIsUpdated ConnectGetSysinfo !DomainSetMemoryFlags !DomainSetBlkioParameters
  DomainGetBlkioParameters !DomainMigrateSetMaxSpeed !StorageVolUpload !StorageVolDownload !DomainInjectNMI
211: !DomainScreenshot DomainGetState !DomainMigrateBegin3 !DomainMigratePrepare3 !DomainMigratePrepareTunnel3
  !DomainMigratePerform3 !DomainMigrateFinish3 !DomainMigrateConfirm3 !DomainSetSchedulerParametersFlags
  !InterfaceChangeBegin
221: !InterfaceChangeCommit !InterfaceChangeRollback DomainGetSchedulerParametersFlags - !DomainPinVcpuFlags
  !DomainSendKey NodeGetCPUStats NodeGetMemoryStats DomainGetControlInfo DomainGetVcpuPinInfo
231: !DomainUndefineFlags !DomainSaveFlags !DomainRestoreFlags !DomainDestroyFlags !DomainSaveImageGetXMLDesc
  !DomainSaveImageDefineXML !DomainBlockJobAbort DomainGetBlockJobInfo !DomainBlockJobSetSpeed !DomainBlockPull
241: - !DomainMigrateGetMaxSpeed DomainBlockStatsFlags DomainSnapshotGetParent !DomainReset DomainSnapshotNumChildren
  DomainSnapshotListChildrenNames - !DomainOpenGraphics !NodeSuspendForDuration
251: !DomainBlockResize !DomainSetBlockIoTune DomainGetBlockIoTune !DomainSetNumaParameters DomainGetNumaParameters
  !DomainSetInterfaceParameters DomainGetInterfaceParameters !DomainShutdownFlags !StorageVolWipePattern
  !StorageVolResize
261: !DomainPMSuspendForDuration DomainGetCPUStats DomainGetDiskErrors !DomainSetMetadata DomainGetMetadata
  !DomainBlockRebase !DomainPMWakeup - - -
271: DomainSnapshotIsCurrent DomainSnapshotHasMetadata ConnectListAllDomains DomainListAllSnapshots
  DomainSnapshotListAllChildren - !DomainGetHostname DomainGetSecurityLabelList !DomainPinEmulator
  DomainGetEmulatorPinInfo
281: ConnectListAllStoragePools StoragePoolListAllVolumes ConnectListAllNetworks ConnectListAllInterfaces
  ConnectListAllNodeDevices ConnectListAllNWFilters ConnectListAllSecrets !NodeSetMemoryParameters
  NodeGetMemoryParameters !DomainBlockCommit
291: !NetworkUpdate - NodeGetCPUMap !DomainFSTrim !DomainSendProcessSignal !DomainOpenChannel
  NodeDeviceLookupSCSIHostByWWN DomainGetJobStats DomainMigrateGetCompressionCache !DomainMigrateSetCompressionCache
301: !NodeDeviceDetachFlags !DomainMigrateBegin3Params !DomainMigratePrepare3Params !DomainMigratePrepareTunnel3Params
  !DomainMigratePerform3Params !DomainMigrateFinish3Params !DomainMigrateConfirm3Params !DomainSetMemoryStatsPeriod
  !DomainCreateXMLWithFiles !DomainCreateWithFiles
311: - ConnectGetCPUModelNames ConnectNetworkEventRegisterAny ConnectNetworkEventDeregisterAny -
  ConnectDomainEventRegisterAny ConnectDomainEventDeregisterAny - - -
321: - - - - - - - - - -
331: - - - !DomainCoreDumpWithFormat !DomainFSFreeze !DomainFSThaw !DomainGetTime !DomainSetTime - NodeGetFreePages
341: NetworkGetDHCPLeases !ConnectGetDomainCapabilities !DomainOpenGraphicsFD ConnectGetAllDomainStats
  !DomainBlockCopy - !NodeAllocPages - !DomainGetFSInfo !DomainDefineXMLFlags
351: DomainGetIOThreadInfo !DomainPinIOThread DomainInterfaceAddresses - !DomainAddIOThread !DomainDelIOThread
  !DomainSetUserPassword !DomainRename - ConnectRegisterCloseCallback
361: ConnectUnregisterCloseCallback - - !DomainMigrateStartPostCopy DomainGetPerfEvents !DomainSetPerfEvents -
  ConnectStoragePoolEventRegisterAny ConnectStoragePoolEventDeregisterAny -
371: !DomainGetGuestVcpus !DomainSetGuestVcpus - ConnectNodeDeviceEventRegisterAny ConnectNodeDeviceEventDeregisterAny
  - - StorageVolGetInfoFlags - ConnectSecretEventRegisterAny
381: ConnectSecretEventDeregisterAny - - !DomainSetVcpu - !DomainSetBlockThreshold DomainMigrateGetMaxDowntime
  DomainManagedSaveGetXMLDesc !DomainManagedSaveDefineXML !DomainSetLifecycleAction
391: StoragePoolLookupByTargetPath !DomainDetachDeviceAlias !ConnectCompareHypervisorCPU !ConnectBaselineHypervisorCPU
  !NodeGetSEVInfo !DomainGetLaunchSecurityInfo NWFilterBindingLookupByPortDev NWFilterBindingGetXMLDesc
  !NWFilterBindingCreateXML !NWFilterBindingDelete
401: ConnectListAllNWFilterBindings !DomainSetIOThreadParams ConnectGetStoragePoolCapabilities NetworkListAllPorts
  NetworkPortLookupByUUID !NetworkPortCreateXML NetworkPortGetParameters !NetworkPortSetParameters
  NetworkPortGetXMLDesc !NetworkPortDelete
411: !DomainCheckpointCreateXML DomainCheckpointGetXMLDesc DomainListAllCheckpoints DomainCheckpointListAllChildren
  DomainCheckpointLookupByName DomainCheckpointGetParent !DomainCheckpointDelete !DomainGetGuestInfo
  ConnectSetIdentity !DomainAgentSetResponseTimeout
421: !DomainBackupBegin DomainBackupGetXMLDesc - !DomainAuthorizedSSHKeysGet !DomainAuthorizedSSHKeysSet
  DomainGetMessages !DomainStartDirtyRateCalc !NodeDeviceDefineXML !NodeDeviceUndefine !NodeDeviceCreate
431: !NWFilterDefineXMLFlags !NetworkDefineXMLFlags !NodeDeviceGetAutostart !NodeDeviceSetAutostart
  NodeDeviceIsPersistent NodeDeviceIsActive !NetworkCreateXMLFlags - !DomainSetLaunchSecurityState !DomainSaveParams
441: !DomainRestoreParams !DomainAbortJobFlags !DomainFDAssociate !NetworkSetMetadata NetworkGetMetadata -
  !NodeDeviceUpdate !DomainGraphicsReload DomainGetAutostartOnce !DomainSetAutostartOnce
451: !DomainSetThrottleGroup !DomainDelThrottleGroup -
`;

const entries = names.split(/\s+/).filter((word) => word !== "" && !word.endsWith(":"));

/** A procedure of libvirt's REMOTE program. */
export interface KnownProcedure {
  /** libvirt's function; undefined for the steps of authentication, which have none. */
  readonly api: string | undefined;
  readonly readOnly: boolean;
}

/** What libvirt has under this number; undefined for events and for numbers that it does not know. */
export function knownProcedure(number: number): KnownProcedure | undefined {
  const entry = entries[number - 1];
  if (entry === undefined || entry === "-") return undefined;
  if (entry === "auth") return { api: undefined, readOnly: true };
  return { api: `vir${entry.replace("!", "")}`, readOnly: !entry.startsWith("!") };
}

/** The part of libvirt in which a public function lives, and which its refusals therefore name. */
export function errorDomainOf(api: string): ErrorDomain {
  return homes.find(([pattern]) => pattern.test(api))?.[1] ?? ErrorDomain.domain;
}

/** The first that matches; all others live in ErrorDomain.domain, those about the host too. */
const homes: readonly (readonly [RegExp, ErrorDomain])[] = [
  [/^virDomain.*Snapshot/, ErrorDomain.domainSnapshot],
  [/^virDomain.*Checkpoint/, ErrorDomain.domainCheckpoint],
  [/^virDomain/, ErrorDomain.domain],
  [/NWFilter/, ErrorDomain.nwfilter],
  [/Network/, ErrorDomain.network],
  [/Storage/, ErrorDomain.storage],
  [/NodeDevice|NodeNumOfDevices|NodeListDevices/, ErrorDomain.nodedev],
  [/Secret/, ErrorDomain.secret],
  [/Interface/, ErrorDomain.interface],
];
