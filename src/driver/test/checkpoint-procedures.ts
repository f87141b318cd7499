import {
  ErrorCode,
  ErrorDomain,
  VirError,
  type DomainCheckpoint as WireCheckpoint,
  type Domain as WireDomain,
} from "../../protocol/index.ts";
import { type Document, readXml } from "../../xml/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { parseCheckpoint, readCheckpointDisks } from "./checkpoint-definition.ts";
import { type Checkpoint, type Checkpoints, formatCheckpoint, missing } from "./checkpoints.ts";
import { checkFlags, has } from "./failure.ts";
import type { Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";
import { parseRoot, readRequest } from "./snapshot-definition.ts";

/** virDomainCheckpointListFlags; the first bit chooses roots of a domain, and of a checkpoint all that came after it. */
const listed = { roots: 1, topological: 2, leaves: 4, noLeaves: 8, all: 15 };
/** virDomainCheckpointXMLFlags. */
const xml = { noDomain: 2, all: 1 | 2 | 4 };
/** virDomainCheckpointDeleteFlags. */
const remove = { children: 1, childrenOnly: 4, all: 1 | 2 | 4 };

/** virDomainCheckpointCreateFlags. */
const create = { redefine: 1, all: 1 | 2 };

/** Checkpoints. */
export function checkpointProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain): Guest => hypervisor.of(dom);
  const at = ({ dom, name }: WireCheckpoint) => {
    const guest = find(dom);
    return { guest, checkpoints: guest.checkpoints, checkpoint: guest.checkpoints.get(name) };
  };
  return {
    domainCheckpointCreateXml: ({ dom, xmlDesc, flags }, { signal }) => {
      checkFlags(flags, create.all, "testDomainCheckpointCreateXML");
      return readXml(xmlDesc, hypervisor.pauseFor(signal), (read) => {
        const guest = find(dom);
        const made = has(flags, create.redefine) ? remake(guest, read) : make(hypervisor, guest, read);
        return { checkpoint: wire(guest, made) };
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
      const { checkpoints } = guest;
      const all = has(flags, listed.topological) ? checkpoints.inOrder() : [...checkpoints];
      const found = all.filter(({ parent }) => parent === undefined || !has(flags, listed.roots));
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
  const root = parseRoot(read, "checkpoint");
  const { name = String(createdAt), description } = readRequest(root);
  const disks = readCheckpointDisks(root, definition, name);
  checkpoints.checkNew(name);
  const checkpoint = { name, description, parent: checkpoints.current, createdAt, definition, disks };
  checkpoints.set(checkpoint);
  checkpoints.current = name;
  return checkpoint;
}

/** One that there was, be it elsewhere. */
function remake({ checkpoints, definition }: Guest, read: () => Document): Checkpoint {
  const checkpoint = parseCheckpoint(read, definition);
  checkpoints.checkPlace(checkpoint);
  checkpoints.set(checkpoint);
  const { current } = checkpoints;
  if (current === undefined || current === checkpoint.parent) checkpoints.current = checkpoint.name;
  return checkpoint;
}

function results(guest: Guest, found: readonly Checkpoint[], needResults: number, flags: number) {
  const passed = found.filter((each) => passes(guest.checkpoints, each, flags));
  return { checkpoints: needResults === 0 ? [] : passed.map((each) => wire(guest, each)), ret: passed.length };
}

/** With both bits nothing passes. */
function passes(checkpoints: Checkpoints, each: Checkpoint, flags: number): boolean {
  const isLeaf = checkpoints.children(each).length === 0;
  return !has(flags, isLeaf ? listed.noLeaves : listed.leaves);
}

function wire(guest: Guest, { name }: { readonly name: string }): WireCheckpoint {
  return { name, dom: guest.reference };
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.test, detail);
}
