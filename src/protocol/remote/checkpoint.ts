import { array, int, uint } from "../../xdr/index.ts";
import { proc } from "../procedure.ts";
import { readKnown } from "./access.ts";
import { Domain, DomainCheckpoint, listLimit, string } from "./base.ts";

/** Checkpoints of a domain's disks: moments from which a later backup can be incremental. */
export const checkpoint = {
  /** Makes a checkpoint, or tells of one that there is already. */
  domainCheckpointCreateXml: proc(411, {
    args: { dom: Domain, xmlDesc: string, flags: uint },
    ret: { checkpoint: DomainCheckpoint },
    acl: "domain:checkpoint domain:fs_freeze:VIR_DOMAIN_CHECKPOINT_CREATE_QUIESCE",
  }),
  /** A checkpoint's description. Secrets need bit 0 of `flags`. */
  domainCheckpointGetXmlDesc: proc(412, {
    args: { checkpoint: DomainCheckpoint, flags: uint },
    ret: { xml: string },
    acl: "domain:read domain:read_secure:VIR_DOMAIN_CHECKPOINT_XML_SECURE",
    readOnly: { unlessFlags: 1, detail: "virDomainCheckpointGetXMLDesc with secure flag" },
  }),
  /** `ret` counts them; `checkpoints` is empty unless `needResults` is 1. */
  domainListAllCheckpoints: proc(413, {
    args: { dom: Domain, needResults: int, flags: uint },
    ret: { checkpoints: array(DomainCheckpoint, listLimit), ret: int },
    ...readKnown("domain"),
  }),
  /** Those made after it, counted and listed as by `domainListAllCheckpoints`. */
  domainCheckpointListAllChildren: proc(414, {
    args: { checkpoint: DomainCheckpoint, needResults: int, flags: uint },
    ret: { checkpoints: array(DomainCheckpoint, listLimit), ret: int },
    ...readKnown("domain"),
  }),
  /** Looks up a checkpoint of a domain. */
  domainCheckpointLookupByName: proc(415, {
    args: { dom: Domain, name: string, flags: uint },
    ret: { checkpoint: DomainCheckpoint },
    ...readKnown("domain"),
  }),
  /** The checkpoint that it was made after. */
  domainCheckpointGetParent: proc(416, {
    args: { checkpoint: DomainCheckpoint, flags: uint },
    ret: { parent: DomainCheckpoint },
    ...readKnown("domain"),
  }),
  /** Deletes a checkpoint, or with its children, or the children alone. */
  domainCheckpointDelete: proc(417, { args: { checkpoint: DomainCheckpoint, flags: uint }, acl: "domain:checkpoint" }),
} as const;
