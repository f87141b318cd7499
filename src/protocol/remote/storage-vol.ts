import { char, uhyper, uint } from "../../xdr/index.ts";
import { proc, streamProc } from "../procedure.ts";
import { lookup, readKnown } from "./access.ts";
import { StoragePool, StorageVol, string } from "./base.ts";

/** Volumes: disks to be, inside a pool. */
export const storageVol = {
  /** Makes a volume. */
  storageVolCreateXml: proc(93, {
    args: { pool: StoragePool, xml: string, flags: uint },
    ret: { vol: StorageVol },
    acl: "storage_vol:create",
  }),
  /** Deletes a volume. */
  storageVolDelete: proc(94, { args: { vol: StorageVol, flags: uint }, acl: "storage_vol:delete" }),
  /** Looks up a volume by its name in a pool. */
  storageVolLookupByName: proc(95, {
    args: { pool: StoragePool, name: string },
    ret: { vol: StorageVol },
    ...lookup("storage_vol"),
  }),
  /** Looks up a volume by its key, which is its own among all pools. */
  storageVolLookupByKey: proc(96, { args: { key: string }, ret: { vol: StorageVol }, ...lookup("storage_vol") }),
  /** Looks up a volume by its path on the host. */
  storageVolLookupByPath: proc(97, { args: { path: string }, ret: { vol: StorageVol }, ...lookup("storage_vol") }),
  /** Kind (VIR_STORAGE_VOL_*), and sizes in bytes. */
  storageVolGetInfo: proc(98, {
    args: { vol: StorageVol },
    ret: { type: char, capacity: uhyper, allocation: uhyper },
    ...readKnown("storage_vol"),
  }),
  /** A volume's description. */
  storageVolGetXmlDesc: proc(99, {
    args: { vol: StorageVol, flags: uint },
    ret: { xml: string },
    ...readKnown("storage_vol"),
  }),
  /** Its path on the host. */
  storageVolGetPath: proc(100, { args: { vol: StorageVol }, ret: { name: string }, ...readKnown("storage_vol") }),
  /** Makes a volume with the contents of another. */
  storageVolCreateXmlFrom: proc(125, {
    args: { pool: StoragePool, xml: string, clonevol: StorageVol, flags: uint },
    ret: { vol: StorageVol },
    acl: "storage_vol:create",
  }),
  /** Overwrites a volume with zeros. */
  storageVolWipe: proc(165, { args: { vol: StorageVol, flags: uint }, acl: "storage_vol:format" }),
  /** Writes `length` bytes from `offset` on as they come by the stream; 0 is up to the end. */
  storageVolUpload: streamProc(208, {
    args: { vol: StorageVol, offset: uhyper, length: uhyper, flags: uint },
    stream: { direction: "upload", holesIfFlags: 1 },
    acl: "storage_vol:data_write",
  }),
  /** Sends `length` bytes from `offset` on by the stream; 0 is up to the end. */
  storageVolDownload: streamProc(209, {
    args: { vol: StorageVol, offset: uhyper, length: uhyper, flags: uint },
    stream: { direction: "download", holesIfFlags: 1 },
    acl: "storage_vol:data_read",
  }),
  /** Overwrites a volume in one of several ways: VIR_STORAGE_VOL_WIPE_ALG_*. */
  storageVolWipePattern: proc(259, {
    args: { vol: StorageVol, algorithm: uint, flags: uint },
    acl: "storage_vol:format",
  }),
  /** Gives a volume another capacity, in bytes; `flags` may say that it is a difference. */
  storageVolResize: proc(260, { args: { vol: StorageVol, capacity: uhyper, flags: uint }, acl: "storage_vol:resize" }),
  /** Like `storageVolGetInfo`; bit 0 of `flags` asks for what it takes on the host as its allocation. */
  storageVolGetInfoFlags: proc(378, {
    args: { vol: StorageVol, flags: uint },
    ret: { type: char, capacity: uhyper, allocation: uhyper },
    ...readKnown("storage_vol"),
  }),
} as const;
