import { array, int, optional, uchar, uhyper, uint } from "../../xdr/index.ts";
import { event, proc } from "../procedure.ts";
import { lookup, read, readKnown, search } from "./access.ts";
import { listLimit, names, StoragePool, StorageVol, string, uuid } from "./base.ts";

/** Places on the host, or reached from it, in which volumes lie. */
export const storagePool = {
  /** How many pools are active. */
  connectNumOfStoragePools: proc(71, { ret: { num: int }, ...search("storage_pools", "storage_pool") }),
  /** Their names, at most `maxnames`. */
  connectListStoragePools: proc(72, {
    args: { maxnames: int },
    ret: { names },
    ...search("storage_pools", "storage_pool"),
  }),
  /** How many pools are defined and not active. */
  connectNumOfDefinedStoragePools: proc(73, { ret: { num: int }, ...search("storage_pools", "storage_pool") }),
  /** Their names, at most `maxnames`. */
  connectListDefinedStoragePools: proc(74, {
    args: { maxnames: int },
    ret: { names },
    ...search("storage_pools", "storage_pool"),
  }),
  /** What could become pools of this type, as XML: exports, volume groups, targets. */
  connectFindStoragePoolSources: proc(75, {
    args: { type: string, srcSpec: optional(string), flags: uint },
    ret: { xml: string },
    acl: "connect:detect_storage_pools",
  }),
  /** Starts a pool that is forgotten when it ends. */
  storagePoolCreateXml: proc(76, {
    args: { xml: string, flags: uint },
    ret: { pool: StoragePool },
    acl: "storage_pool:start storage_pool:write",
  }),
  /** Makes a definition persistent. */
  storagePoolDefineXml: proc(77, {
    args: { xml: string, flags: uint },
    ret: { pool: StoragePool },
    acl: "storage_pool:write storage_pool:save",
    priority: true,
  }),
  /** Starts a defined pool. */
  storagePoolCreate: proc(78, { args: { pool: StoragePool, flags: uint }, acl: "storage_pool:start" }),
  /** Makes what a pool stands on: a directory, a file system, a volume group. */
  storagePoolBuild: proc(79, { args: { pool: StoragePool, flags: uint }, acl: "storage_pool:format" }),
  /** Ends a pool; its data stay. */
  storagePoolDestroy: proc(80, { args: { pool: StoragePool }, acl: "storage_pool:stop", priority: true }),
  /** Deletes what an inactive pool stands on, and its data. */
  storagePoolDelete: proc(81, { args: { pool: StoragePool, flags: uint }, acl: "storage_pool:format" }),
  /** Forgets the definition. */
  storagePoolUndefine: proc(82, { args: { pool: StoragePool }, acl: "storage_pool:delete", priority: true }),
  /** Looks again which volumes there are. */
  storagePoolRefresh: proc(83, { args: { pool: StoragePool, flags: uint }, acl: "storage_pool:refresh" }),
  /** Looks up a pool by its name. */
  storagePoolLookupByName: proc(84, { args: { name: string }, ret: { pool: StoragePool }, ...lookup("storage_pool") }),
  /** Looks up a pool by its uuid. */
  storagePoolLookupByUuid: proc(85, { args: { uuid }, ret: { pool: StoragePool }, ...lookup("storage_pool") }),
  /** The pool in which a volume lies. */
  storagePoolLookupByVolume: proc(86, {
    args: { vol: StorageVol },
    ret: { pool: StoragePool },
    ...lookup("storage_pool"),
  }),
  /** State (VIR_STORAGE_POOL_*), and sizes in bytes. */
  storagePoolGetInfo: proc(87, {
    args: { pool: StoragePool },
    ret: { state: uchar, capacity: uhyper, allocation: uhyper, available: uhyper },
    ...readKnown("storage_pool"),
  }),
  /** The definition, live or persistent. */
  storagePoolGetXmlDesc: proc(88, {
    args: { pool: StoragePool, flags: uint },
    ret: { xml: string },
    ...readKnown("storage_pool"),
  }),
  /** Whether it starts with the daemon. */
  storagePoolGetAutostart: proc(89, {
    args: { pool: StoragePool },
    ret: { autostart: int },
    ...readKnown("storage_pool"),
  }),
  /** Sets whether it starts with the daemon. */
  storagePoolSetAutostart: proc(90, {
    args: { pool: StoragePool, autostart: int },
    acl: "storage_pool:write",
    priority: true,
  }),
  /** How many volumes are in it. */
  storagePoolNumOfVolumes: proc(91, {
    args: { pool: StoragePool },
    ret: { num: int },
    acl: "storage_pool:search_storage_vols |filter storage_vol:getattr",
    priority: true,
    readOnly: "allowed",
  }),
  /** Names of its volumes, at most `maxnames`. */
  storagePoolListVolumes: proc(92, {
    args: { pool: StoragePool, maxnames: int },
    ret: { names },
    acl: "storage_pool:search_storage_vols |filter storage_vol:getattr",
    priority: true,
    readOnly: "allowed",
  }),
  /** Whether it is active. */
  storagePoolIsActive: proc(154, { args: { pool: StoragePool }, ret: { active: int }, ...readKnown("storage_pool") }),
  /** Whether it has a definition that outlives it. */
  storagePoolIsPersistent: proc(155, {
    args: { pool: StoragePool },
    ret: { persistent: int },
    ...readKnown("storage_pool"),
  }),
  /** `ret` counts them; `pools` is empty unless `needResults` is 1. */
  connectListAllStoragePools: proc(281, {
    args: { needResults: int, flags: uint },
    ret: { pools: array(StoragePool, listLimit), ret: uint },
    ...search("storage_pools", "storage_pool"),
  }),
  /** Its volumes, counted and listed as by `connectListAllStoragePools`. */
  storagePoolListAllVolumes: proc(282, {
    args: { pool: StoragePool, needResults: int, flags: uint },
    ret: { vols: array(StorageVol, listLimit), ret: uint },
    acl: "storage_pool:search_storage_vols |filter storage_vol:getattr",
    priority: true,
    readOnly: "allowed",
  }),
  /** The pool at this path of the host. */
  storagePoolLookupByTargetPath: proc(391, {
    args: { path: string },
    ret: { pool: StoragePool },
    ...lookup("storage_pool"),
  }),
  /** Which types of pools there can be, as XML. */
  connectGetStoragePoolCapabilities: proc(403, {
    args: { flags: uint },
    ret: { capabilities: string },
    ...read("connect"),
  }),
} as const;

/** What becomes of pools, for those who ask. */
export const storagePoolEvents = {
  /** Subscribes to an event (VIR_STORAGE_POOL_EVENT_ID_*) of one pool, or of all. */
  connectStoragePoolEventRegisterAny: proc(368, {
    args: { eventId: int, pool: optional(StoragePool) },
    ret: { callbackId: int },
    ...search("storage_pools", "storage_pool"),
  }),
  /** Ends a subscription. */
  connectStoragePoolEventDeregisterAny: proc(369, { args: { callbackId: int }, ...readKnown("connect") }),
  /** It was defined, undefined, started, stopped, created or deleted. */
  storagePoolEventLifecycle: event(370, { callbackId: int, pool: StoragePool, event: int, detail: int }),
  /** Somebody has looked again which volumes there are. */
  storagePoolEventRefresh: event(373, { callbackId: int, pool: StoragePool }),
} as const;
