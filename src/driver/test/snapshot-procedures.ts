import {
  DomainReason,
  DomainState,
  ErrorCode,
  ErrorDomain,
  Lifecycle,
  VirError,
  type Domain as WireDomain,
  type DomainSnapshot as WireSnapshot,
} from "../../protocol/index.ts";
import { type Document, readXml } from "../../xml/index.ts";
import { tagsOfAll } from "../domain-tags.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags, has, invalid } from "./failure.ts";
import type { Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";
import { parseRequest, parseSnapshot } from "./snapshot-definition.ts";
import { formatSnapshot, isExternal, missing, type Snapshot, type Snapshots } from "./snapshots.ts";

/** virDomainSnapshotCreateFlags, virDomainSnapshotRevertFlags, virDomainSnapshotDeleteFlags. */
const create = { redefine: 1, current: 2, halt: 8, all: 1 | 2 | 8 | 64 | 128 | 256 | 512 };
const revert = { running: 1, paused: 2, all: 1 | 2 | 4 };
const remove = { children: 1, childrenOnly: 4, all: 1 | 4 };
/** virDomainSnapshotListFlags. */
const roots = 1;
const listed = {
  metadata: 2,
  leaves: 4,
  noLeaves: 8,
  noMetadata: 16,
  inactive: 32,
  active: 64,
  diskOnly: 128,
  internal: 256,
  external: 512,
  topological: 1024,
};
const listFlags = 0x7ff;

/** Moments to go back to. */
export function snapshotProcedures(hypervisor: Hypervisor): DriverProcedures {
  const find = (dom: WireDomain): Guest => hypervisor.of(dom);
  const at = ({ dom, name }: WireSnapshot): { guest: Guest; snapshots: Snapshots; snapshot: Snapshot } => {
    const guest = find(dom);
    return { guest, snapshots: guest.snapshots, snapshot: guest.snapshots.get(name) };
  };
  return {
    domainSnapshotCreateXml: ({ dom, xmlDesc, flags }, { signal }) => {
      checkFlags(flags, create.all, "testDomainSnapshotCreateXML");
      return readXml(xmlDesc, hypervisor.pauseFor(signal), (read) => {
        const guest = find(dom);
        return { snap: wire(guest, take(hypervisor, guest, read, flags)) };
      });
    },
    domainSnapshotGetXmlDesc: ({ snap, flags }) => {
      checkFlags(flags, 1, "testDomainSnapshotGetXMLDesc");
      return { xml: formatSnapshot(at(snap).snapshot) };
    },
    domainSnapshotLookupByName: ({ dom, name, flags }) => {
      checkFlags(flags, 0, "testDomainSnapshotLookupByName");
      const guest = find(dom);
      return { snap: wire(guest, guest.snapshots.get(name)) };
    },
    domainHasCurrentSnapshot: ({ dom, flags }) => {
      checkFlags(flags, 0, "testDomainHasCurrentSnapshot");
      return { result: Number(find(dom).snapshots.current !== undefined) };
    },
    domainSnapshotCurrent: ({ dom, flags }) => {
      checkFlags(flags, 0, "testDomainSnapshotCurrent");
      const guest = find(dom);
      const { current } = guest.snapshots;
      if (current === undefined) throw missing("the domain does not have a current snapshot");
      return { snap: wire(guest, guest.snapshots.get(current)) };
    },
    domainSnapshotIsCurrent: ({ snap, flags }) => {
      checkFlags(flags, 0, "testDomainSnapshotIsCurrent");
      const { snapshots, snapshot } = at(snap);
      return { current: Number(snapshots.current === snapshot.name) };
    },
    domainSnapshotHasMetadata: ({ snap, flags }) => {
      checkFlags(flags, 0, "testDomainSnapshotHasMetadata");
      at(snap);
      return { metadata: 1 };
    },
    domainSnapshotGetParent: ({ snap, flags }) => {
      checkFlags(flags, 0, "testDomainSnapshotGetParent");
      const { guest, snapshots, snapshot } = at(snap);
      if (snapshot.parent === undefined) throw missing(`snapshot '${snapshot.name}' does not have a parent`);
      return { snap: wire(guest, snapshots.get(snapshot.parent)) };
    },
    domainRevertToSnapshot: ({ snap, flags }, { admitTags }) => {
      checkFlags(flags, revert.all, "testDomainRevertToSnapshot");
      const { guest, snapshot } = at(snap);
      admitTags?.(tagsOfAll(snapshot.definition));
      goBack(hypervisor, guest, snapshot, flags);
    },
    domainSnapshotDelete: ({ snap, flags }) => {
      checkFlags(flags, remove.all, "testDomainSnapshotDelete");
      const { snapshots, snapshot } = at(snap);
      if (has(flags, remove.children | remove.childrenOnly)) snapshots.deleteDescendants(snapshot);
      if (!has(flags, remove.childrenOnly)) snapshots.delete(snapshot);
    },
    ...listProcedures(find, at),
  };
}

function listProcedures(
  find: (dom: WireDomain) => Guest,
  at: (snap: WireSnapshot) => { guest: Guest; snapshot: Snapshot },
): DriverProcedures {
  const below = (snap: WireSnapshot, flags: number): Snapshot[] => {
    const { guest, snapshot } = at(snap);
    const { snapshots } = guest;
    // The bit that chooses roots of a domain chooses, of a snapshot, all that came after it.
    return filter(snapshots, has(flags, roots) ? snapshots.descendants(snapshot) : snapshots.children(snapshot), flags);
  };
  const ofDomain = ({ snapshots }: Guest, flags: number): Snapshot[] => {
    const every = has(flags, listed.topological) ? snapshots.inOrder() : [...snapshots];
    const all = every.filter(({ parent }) => parent === undefined || !has(flags, roots));
    return filter(snapshots, all, flags);
  };
  const names = (snapshots: readonly Snapshot[], most: number) => ({
    names: snapshots.slice(0, most).map(({ name }) => name),
  });
  return {
    domainSnapshotNum: ({ dom, flags }) => {
      checkFlags(flags, listFlags, "testDomainSnapshotNum");
      return { num: ofDomain(find(dom), flags).length };
    },
    domainSnapshotListNames: ({ dom, maxnames, flags }) => {
      checkFlags(flags, listFlags, "testDomainSnapshotListNames");
      return names(ofDomain(find(dom), flags), maxnames);
    },
    domainListAllSnapshots: ({ dom, needResults, flags }) => {
      checkFlags(flags, listFlags, "testDomainListAllSnapshots");
      const guest = find(dom);
      return results(guest, ofDomain(guest, flags), needResults);
    },
    domainSnapshotNumChildren: ({ snap, flags }) => {
      checkFlags(flags, listFlags, "testDomainSnapshotNumChildren");
      return { num: below(snap, flags).length };
    },
    domainSnapshotListChildrenNames: ({ snap, maxnames, flags }) => {
      checkFlags(flags, listFlags, "testDomainSnapshotListChildrenNames");
      return names(below(snap, flags), maxnames);
    },
    domainSnapshotListAllChildren: ({ snapshot, needResults, flags }) => {
      checkFlags(flags, listFlags, "testDomainSnapshotListAllChildren");
      return results(at(snapshot).guest, below(snapshot, flags), needResults);
    },
  };
}

function results(guest: Guest, found: readonly Snapshot[], needResults: number) {
  return { snapshots: needResults === 0 ? [] : found.map((each) => wire(guest, each)), ret: found.length };
}

/** Of each pair of which a bit is set, a snapshot has to pass one; all of them have metadata. */
function filter(snapshots: Snapshots, found: readonly Snapshot[], flags: number): Snapshot[] {
  const isLeaf = (each: Snapshot): boolean => snapshots.children(each).length === 0;
  const isInactive = ({ state }: Snapshot): boolean => state === DomainState.shutoff;
  const groups: [bit: number, test: (each: Snapshot) => boolean][][] = [
    [
      [listed.metadata, () => true],
      [listed.noMetadata, () => false],
    ],
    // Leaves and all others are not one group: with both bits nothing passes.
    [[listed.leaves, isLeaf]],
    [[listed.noLeaves, (each) => !isLeaf(each)]],
    [
      [listed.inactive, isInactive],
      [listed.active, (each) => !isInactive(each)],
      [listed.diskOnly, () => false],
    ],
    [
      [listed.internal, (each) => !isExternal(each)],
      [listed.external, isExternal],
    ],
  ];
  const wanted = groups.map((group) => group.filter(([bit]) => has(flags, bit))).filter(({ length }) => length > 0);
  return found.filter((each) => wanted.every((group) => group.some(([, test]) => test(each))));
}

function take(hypervisor: Hypervisor, guest: Guest, read: () => Document, flags: number): Snapshot {
  const seconds = Math.floor(hypervisor.clock() / 1000);
  const { snapshots, status } = guest;
  if (guest.checkpoints.size > 0) {
    const detail = "cannot create snapshot while checkpoint exists";
    throw VirError.of(ErrorCode.operationUnsupported, ErrorDomain.test, detail);
  }
  if (has(flags, create.redefine)) {
    const snapshot = parseSnapshot(read);
    snapshots.checkPlace(snapshot);
    checkSuccessor(guest, snapshot);
    snapshots.set(snapshot);
    if (has(flags, create.current)) snapshots.current = snapshot.name;
    return snapshot;
  }
  if (!guest.persistent && has(flags, create.halt)) throw invalid("cannot halt after transient domain snapshot");
  const { name = String(seconds), ...request } = parseRequest(read, guest.definition);
  snapshots.checkNew(name);
  const { definition } = guest;
  const parent = snapshots.current;
  const snapshot = { ...request, name, parent, state: status.state, createdAt: seconds, definition };
  if (has(flags, create.halt) && guest.isActive) {
    hypervisor.stop(guest, DomainReason.shutoff.fromSnapshot, Lifecycle.stopped.detail.fromSnapshot);
  }
  snapshots.set(snapshot);
  snapshots.current = name;
  return snapshot;
}

/** Throws VirError unless this one, redefined, is of the same domain and the same state as the one that there was. */
function checkSuccessor({ uuid, snapshots }: Guest, { name, state, definition }: Snapshot): void {
  if (definition.uuid !== uuid) throw contradiction(`definition for snapshot ${name} must use uuid ${uuid}`);
  if (!snapshots.has(name)) return;
  const wasOff = snapshots.get(name).state === DomainState.shutoff;
  if (wasOff === (state === DomainState.shutoff)) return;
  throw contradiction(`cannot change between online and offline snapshot state in snapshot ${name}`);
}

function contradiction(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.domainSnapshot, detail);
}

/** The run that there is ends, and the one that there was begins. */
function goBack(hypervisor: Hypervisor, guest: Guest, snapshot: Snapshot, flags: number): void {
  const { running, paused } = revert;
  const wasActive = snapshot.state !== DomainState.shutoff;
  const starts = wasActive || has(flags, running | paused);
  if (!guest.persistent && !starts)
    throw invalid("transient domain needs to request run or pause to revert to inactive snapshot");
  guest.snapshots.current = snapshot.name;
  if (guest.isActive) hypervisor.interrupt(guest);
  guest.assign(snapshot.definition, false);
  guest.status = { state: DomainState.shutoff, reason: DomainReason.shutoff.fromSnapshot };
  if (!starts) return;
  hypervisor.start(guest, DomainReason.running.fromSnapshot, Lifecycle.started.detail.fromSnapshot);
  const pauses = has(flags, paused) || (snapshot.state === DomainState.paused && !has(flags, running));
  if (!pauses) return;
  guest.status = { state: DomainState.paused, reason: DomainReason.paused.fromSnapshot };
  hypervisor.report(guest, Lifecycle.suspended.event, Lifecycle.suspended.detail.fromSnapshot);
}

function wire(guest: Guest, { name }: { readonly name: string }): WireSnapshot {
  return { name, dom: guest.reference };
}
