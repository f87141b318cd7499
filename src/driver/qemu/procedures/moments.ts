import type { Domain } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, type VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { worded } from "../../objects/worded.ts";
import type { Guests } from "../guests.ts";
import { check } from "./asked.ts";

/** All of virDomainSnapshotListFlags, and of virDomainCheckpointListFlags. */
const listed = { snapshots: 0x7ff, checkpoints: 15 };

/** No guest has a snapshot or a checkpoint, and who asks is told so; making one is not there yet, and answered as such. */
export function momentProcedures(guests: Guests): DriverProcedures {
  return { ...snapshotProcedures(guests), ...checkpointProcedures(guests) };
}

function snapshotProcedures(guests: Guests): DriverProcedures {
  const look = (dom: WireDomain, flags: number, supported: number, caller: string): Domain => {
    check(flags, supported, caller);
    return guests.domains.byUuid(dom.uuid, dom.name);
  };
  return {
    domainSnapshotNum: ({ dom, flags }) => {
      look(dom, flags, listed.snapshots, "qemuDomainSnapshotNum");
      return { num: 0 };
    },
    domainSnapshotListNames: ({ dom, flags }) => {
      look(dom, flags, listed.snapshots, "qemuDomainSnapshotListNames");
      return { names: [] };
    },
    domainListAllSnapshots: ({ dom, flags }) => {
      look(dom, flags, listed.snapshots, "qemuDomainListAllSnapshots");
      return { snapshots: [], ret: 0 };
    },
    domainHasCurrentSnapshot: ({ dom, flags }) => {
      look(dom, flags, 0, "qemuDomainHasCurrentSnapshot");
      return { result: 0 };
    },
    domainSnapshotCurrent: ({ dom, flags }) => {
      look(dom, flags, 0, "qemuDomainSnapshotCurrent");
      throw noSnapshot("the domain does not have a current snapshot");
    },
    domainSnapshotLookupByName: ({ dom, name, flags }) => {
      look(dom, flags, 0, "qemuDomainSnapshotLookupByName");
      throw noSnapshot(`no domain snapshot with matching name '${name}'`);
    },
  };
}

function checkpointProcedures(guests: Guests): DriverProcedures {
  return {
    domainListAllCheckpoints: ({ dom, flags }) => {
      check(flags, listed.checkpoints, "qemuDomainListAllCheckpoints");
      guests.domains.byUuid(dom.uuid, dom.name);
      return { checkpoints: [], ret: 0 };
    },
    domainCheckpointLookupByName: ({ dom, name, flags }) => {
      check(flags, 0, "qemuDomainCheckpointLookupByName");
      guests.domains.byUuid(dom.uuid, dom.name);
      const detail = `no domain checkpoint with matching name '${name}'`;
      throw worded(ErrorCode.noDomainCheckpoint, ErrorDomain.qemu, "Domain checkpoint not found", detail);
    },
  };
}

function noSnapshot(detail: string): VirError {
  return worded(ErrorCode.noDomainSnapshot, ErrorDomain.qemu, "Domain snapshot not found", detail);
}
