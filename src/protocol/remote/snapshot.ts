import { array, int, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { read, readKnown } from "./access.ts";
import { Domain, DomainSnapshot, listLimit, names, string } from "./base.ts";

/** Snapshots of a domain: of its disks, and of its memory when it runs. */
export const snapshot = {
  /** Takes a snapshot, or tells of one that there is already. */
  domainSnapshotCreateXml: proc(185, {
    args: { dom: Domain, xmlDesc: string, flags: uint },
    ret: { snap: DomainSnapshot },
    acl: "domain:snapshot domain:fs_freeze:VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE",
  }),
  /** A snapshot's description. Secrets need bit 0 of `flags`. */
  domainSnapshotGetXmlDesc: proc(186, {
    args: { snap: DomainSnapshot, flags: uint },
    ret: { xml: string },
    acl: "domain:read domain:read_secure:VIR_DOMAIN_SNAPSHOT_XML_SECURE",
    priority: true,
    readOnly: { unlessFlags: 1, detail: "virDomainSnapshotGetXMLDesc with secure flag" },
  }),
  /** How many snapshots a domain has. */
  domainSnapshotNum: proc(187, { args: { dom: Domain, flags: uint }, ret: { num: int }, ...readKnown("domain") }),
  /** Their names, at most `maxnames`. */
  domainSnapshotListNames: proc(188, {
    args: { dom: Domain, maxnames: int, flags: uint },
    ret: { names },
    ...readKnown("domain"),
  }),
  /** Looks up a snapshot of a domain. */
  domainSnapshotLookupByName: proc(189, {
    args: { dom: Domain, name: string, flags: uint },
    ret: { snap: DomainSnapshot },
    ...readKnown("domain"),
  }),
  /** Whether a domain has a current snapshot. */
  domainHasCurrentSnapshot: proc(190, { args: { dom: Domain, flags: uint }, ret: { result: int }, ...read("domain") }),
  /** The snapshot from which the domain has gone on. */
  domainSnapshotCurrent: proc(191, {
    args: { dom: Domain, flags: uint },
    ret: { snap: DomainSnapshot },
    ...read("domain"),
  }),
  /** Takes a domain back to a snapshot. */
  domainRevertToSnapshot: proc(192, { args: { snap: DomainSnapshot, flags: uint }, acl: "domain:snapshot" }),
  /** Deletes a snapshot, or with its children, or the children alone. */
  domainSnapshotDelete: proc(193, { args: { snap: DomainSnapshot, flags: uint }, acl: "domain:snapshot" }),
  /** The snapshot that it was taken after. */
  domainSnapshotGetParent: proc(244, {
    args: { snap: DomainSnapshot, flags: uint },
    ret: { snap: DomainSnapshot },
    ...readKnown("domain"),
  }),
  /** How many snapshots were taken after it. */
  domainSnapshotNumChildren: proc(246, {
    args: { snap: DomainSnapshot, flags: uint },
    ret: { num: int },
    ...readKnown("domain"),
  }),
  /** Names of those taken after it, at most `maxnames`. */
  domainSnapshotListChildrenNames: proc(247, {
    args: { snap: DomainSnapshot, maxnames: int, flags: uint },
    ret: { names },
    ...readKnown("domain"),
  }),
  /** Whether it is the domain's current one. */
  domainSnapshotIsCurrent: proc(271, {
    args: { snap: DomainSnapshot, flags: uint },
    ret: { current: int },
    ...read("domain"),
  }),
  /** Whether libvirt keeps a description of it, which would have to be deleted with the domain. */
  domainSnapshotHasMetadata: proc(272, {
    args: { snap: DomainSnapshot, flags: uint },
    ret: { metadata: int },
    ...read("domain"),
  }),
  /** `ret` counts them; `snapshots` is empty unless `needResults` is 1. */
  domainListAllSnapshots: proc(274, {
    args: { dom: Domain, needResults: int, flags: uint },
    ret: { snapshots: array(DomainSnapshot, listLimit), ret: int },
    ...readKnown("domain"),
  }),
  /** Those taken after it, counted and listed as by `domainListAllSnapshots`. */
  domainSnapshotListAllChildren: proc(275, {
    args: { snapshot: DomainSnapshot, needResults: int, flags: uint },
    ret: { snapshots: array(DomainSnapshot, listLimit), ret: int },
    ...readKnown("domain"),
  }),
} as const;
