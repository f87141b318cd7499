import { array, int, opaque, optional, struct, uhyper, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { read, readKnown, writeOrSave } from "./access.ts";
import { Domain, string } from "./base.ts";
import { typedParams } from "./typed-param.ts";

const DiskError = struct("domain_disk_error", { disk: string, error: int });

/** Disks: what is in them, long jobs on them, limits. A disk is named by its target ("vda") or its source. */
export const domainBlock = {
  /** Reads from a disk, as the guest sees it. */
  domainBlockPeek: proc(103, {
    args: { dom: Domain, path: string, offset: uhyper, size: uint, flags: uint },
    ret: { buffer: opaque(4_194_304) },
    acl: "domain:block_read",
  }),
  /** Size of a disk as the guest sees it, as allocated, and as it takes room on the host, in bytes. */
  domainGetBlockInfo: proc(194, {
    args: { dom: Domain, path: string, flags: uint },
    ret: { allocation: uhyper, capacity: uhyper, physical: uhyper },
    ...read("domain"),
  }),
  /** Ends the job on a disk, or switches over to the copy that it has made. */
  domainBlockJobAbort: proc(237, { args: { dom: Domain, path: string, flags: uint }, acl: "domain:write" }),
  /** How far the job on a disk is; `found` 0 says that there is none. */
  domainGetBlockJobInfo: proc(238, {
    args: { dom: Domain, path: string, flags: uint },
    ret: { found: int, type: int, bandwidth: uhyper, cur: uhyper, end: uhyper },
    ...read("domain"),
  }),
  /** Limits a disk's job, in MiB/s unless `flags` say bytes/s. */
  domainBlockJobSetSpeed: proc(239, {
    args: { dom: Domain, path: string, bandwidth: uhyper, flags: uint },
    acl: "domain:write",
  }),
  /** Begins to copy what the backing images hold into the disk's own. */
  domainBlockPull: proc(240, {
    args: { dom: Domain, path: string, bandwidth: uhyper, flags: uint },
    acl: "domain:block_write",
  }),
  /** Gives a disk of a running domain another size, in KiB unless `flags` say bytes. */
  domainBlockResize: proc(251, {
    args: { dom: Domain, disk: string, size: uhyper, flags: uint },
    acl: "domain:block_write",
  }),
  /** Limits the operations and bytes per second of a disk. */
  domainSetBlockIoTune: proc(252, {
    args: { dom: Domain, disk: string, params: typedParams(32), flags: uint },
    acl: writeOrSave("domain"),
  }),
  /** Limits of a disk. `nparams` 0 asks how many there are. */
  domainGetBlockIoTune: proc(253, {
    args: { dom: Domain, disk: optional(string), nparams: int, flags: uint },
    ret: { params: typedParams(32), nparams: int },
    ...read("domain"),
  }),
  /** Disks that have failed; `maxerrors` 0 only counts. */
  domainGetDiskErrors: proc(263, {
    args: { dom: Domain, maxerrors: uint, flags: uint },
    ret: { errors: array(DiskError, 256), nerrors: int },
    ...read("domain"),
  }),
  /** Begins to copy into a disk's image what is between it and `base`, or to copy the disk elsewhere. */
  domainBlockRebase: proc(266, {
    args: { dom: Domain, path: string, base: optional(string), bandwidth: uhyper, flags: uint },
    acl: "domain:block_write",
  }),
  /** Begins to copy what the images from `top` on hold down into `base`. */
  domainBlockCommit: proc(290, {
    args: { dom: Domain, disk: string, base: optional(string), top: optional(string), bandwidth: uhyper, flags: uint },
    acl: "domain:block_write",
  }),
  /** Begins to copy a disk to the destination given as XML. */
  domainBlockCopy: proc(345, {
    args: { dom: Domain, path: string, destxml: string, params: typedParams(16), flags: uint },
    acl: "domain:block_write",
  }),
  /** Asks for one event when the guest has written beyond this offset, in bytes. */
  domainSetBlockThreshold: proc(386, {
    args: { dom: Domain, dev: string, threshold: uhyper, flags: uint },
    acl: "domain:write",
  }),
  /** Begins to back disks up, push or pull, from now or from a checkpoint; may make a new one. */
  domainBackupBegin: proc(421, {
    args: { dom: Domain, backupXml: string, checkpointXml: optional(string), flags: uint },
    acl: "domain:checkpoint domain:block_write",
  }),
  /** The backup under way, as XML. */
  domainBackupGetXmlDesc: proc(422, {
    args: { dom: Domain, flags: uint },
    ret: { xml: string },
    ...readKnown("domain"),
  }),
  /** Sets limits that several disks share. */
  domainSetThrottleGroup: proc(451, {
    args: { dom: Domain, group: string, params: typedParams(32), flags: uint },
    acl: writeOrSave("domain"),
  }),
  /** Removes limits that several disks share. libvirt forgets to deny it to read-only connections; we do not. */
  domainDelThrottleGroup: proc(452, {
    args: { dom: Domain, group: optional(string), flags: uint },
    acl: writeOrSave("domain"),
  }),
} as const;
