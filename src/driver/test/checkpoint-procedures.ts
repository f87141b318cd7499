import {
  ErrorCode,
  ErrorDomain,
  VirError,
  type DomainCheckpoint as WireCheckpoint,
  type Domain as WireDomain,
} from "../../protocol/index.ts";
import { type Document, readXml } from "../../xml/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { type Checkpoint, type Checkpoints, formatCheckpoint, missing } from "./checkpoints.ts";
import { checkFlags, has } from "./failure.ts";
import type { Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";
import { parseRoot, readRequest } from "./snapshot-definition.ts";

/** virDomainCheckpointListFlags; the first bit chooses roots of a domain, and of a checkpoint all that came after it. */
const listed = { roots: 1, leaves: 4, noLeaves: 8, all: 15 };
/** virDomainCheckpointXMLFlags. */
const xml = { noDomain: 2, all: 1 | 2 };
/** virDomainCheckpointDeleteFlags. */
const remove = { children: 1, childrenOnly: 4, all: 1 | 4 };

/** Checkpoints; redefining them is not there. */
export function checkpointProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = ({ uuid }: WireDomain): Guest => hypervisor.byUuid(uuid);
  const at = ({ dom, name }: WireCheckpoint) => {
    const guest = find(dom);
    return { guest, checkpoints: guest.checkpoints, checkpoint: guest.checkpoints.get(name) };
  };
  return {
    domainCheckpointCreateXml: ({ dom, xmlDesc, flags }, { signal }) => {
      checkFlags(flags, 2, "testDomainCheckpointCreateXML");
      return readXml(xmlDesc, hypervisor.pauseFor(signal), (read) => {
        const guest = find(dom);
        return { checkpoint: wire(guest, make(hypervisor, guest, read)) };
      });
    },
    domainCheckpointGetXmlDesc: ({ checkpoint, flags }) => {
      checkFlags(flags, xml.all, "testDomainCheckpointGetXMLDesc");
      return { xml: formatCheckpoint(at(checkpoint).checkpoint, !has(flags, xml.noDomain)) };
    },
    domainCheckpointLookupByName: ({ dom, name, flags }) => {
      checkFlags(flags, 0, "testDomainCheckpointLookupByName");
      const guest = find(dom);
      return { checkpoint: wire(guest, guest.checkpoints.get(name)) };
    },
    domainCheckpointGetParent: ({ checkpoint, flags }) => {
      checkFlags(flags, 0, "testDomainCheckpointGetParent");
      const { guest, checkpoints, checkpoint: child } = at(checkpoint);
      if (child.parent === undefined) throw missing(`checkpoint '${child.name}' does not have a parent`);
      return { parent: wire(guest, checkpoints.get(child.parent)) };
    },
    domainCheckpointDelete: ({ checkpoint, flags }) => {
      checkFlags(flags, remove.all, "testDomainCheckpointDelete");
      const { checkpoints, checkpoint: doomed } = at(checkpoint);
      if (has(flags, remove.children | remove.childrenOnly)) checkpoints.deleteDescendants(doomed);
      if (!has(flags, remove.childrenOnly)) checkpoints.delete(doomed);
    },
    domainListAllCheckpoints: ({ dom, needResults, flags }) => {
      checkFlags(flags, listed.all, "testDomainListAllCheckpoints");
      const guest = find(dom);
      const found = [...guest.checkpoints].filter(({ parent }) => parent === undefined || !has(flags, listed.roots));
      return results(guest, found, needResults, flags);
    },
    domainCheckpointListAllChildren: ({ checkpoint, needResults, flags }) => {
      checkFlags(flags, listed.all, "testDomainCheckpointListAllChildren");
      const { guest, checkpoints, checkpoint: from } = at(checkpoint);
      const found = has(flags, listed.roots) ? checkpoints.descendants(from) : checkpoints.children(from);
      return results(guest, found, needResults, flags);
    },
  };
}

function make(hypervisor: Hypervisor, guest: Guest, read: () => Document): Checkpoint {
  const { checkpoints, definition } = guest;
  if (guest.snapshots.size > 0) throw unsupported("cannot create checkpoint while snapshot exists");
  if (!guest.isActive) throw unsupported("cannot create checkpoint for inactive domain");
  const createdAt = Math.floor(hypervisor.clock() / 1000);
  const { name = String(createdAt), description } = readRequest(parseRoot(read, "checkpoint"));
  if (checkpoints.has(name)) {
    throw VirError.of(ErrorCode.operationFailed, ErrorDomain.test, `domain moment ${name} already exists`);
  }
  const checkpoint = { name, description, parent: checkpoints.current, createdAt, definition };
  checkpoints.set(checkpoint);
  checkpoints.current = name;
  return checkpoint;
}

function results(guest: Guest, found: readonly Checkpoint[], needResults: number, flags: number) {
  const passed = found.filter((each) => passes(guest.checkpoints, each, flags));
  return { checkpoints: needResults === 0 ? [] : passed.map((each) => wire(guest, each)), ret: passed.length };
}

function passes(checkpoints: Checkpoints, each: Checkpoint, flags: number): boolean {
  const isLeaf = checkpoints.children(each).length === 0;
  const either = listed.leaves | listed.noLeaves;
  return (flags & either) % either === 0 || has(flags, isLeaf ? listed.leaves : listed.noLeaves);
}

function wire(guest: Guest, { name }: { readonly name: string }): WireCheckpoint {
  return { name, dom: guest.reference };
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.test, detail);
}
