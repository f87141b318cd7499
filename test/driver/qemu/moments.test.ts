import assert from "node:assert/strict";
import { test } from "node:test";
import { localContext } from "../../../src/driver/local-context.ts";
import { Capabilities } from "../../../src/driver/qemu/capabilities/index.ts";
import { qemuProcedures } from "../../../src/driver/qemu/procedures/index.ts";
import { ErrorCode, ErrorDomain } from "../../../src/protocol/index.ts";
import { Bench, uuid } from "./bench.ts";

const context = localContext();
const dom = { name: "hello", uuid, id: -1 };

test("a guest has no snapshots and no checkpoints, and a domain that is not there has not even those", async () => {
  const bench = new Bench();
  const surroundings = { capabilities: new Capabilities(undefined), version: 0n, leasesOf: async () => [] };
  const procedures = qemuProcedures(bench.operations, surroundings) as Required<ReturnType<typeof qemuProcedures>>;
  const list = (): unknown => procedures.domainListAllSnapshots({ dom, needResults: 1, flags: 0 }, context);
  assert.throws(list, { code: ErrorCode.noDomain });
  await bench.defined();
  assert.deepEqual(list(), { snapshots: [], ret: 0 });
  assert.deepEqual(procedures.domainListAllCheckpoints({ dom, needResults: 1, flags: 15 }, context), {
    checkpoints: [],
    ret: 0,
  });
  assert.throws(() => procedures.domainSnapshotLookupByName({ dom, name: "x", flags: 0 }, context), {
    code: ErrorCode.noDomainSnapshot,
    domain: ErrorDomain.qemu,
    message: "Domain snapshot not found: no domain snapshot with matching name 'x'",
  });
  assert.throws(() => procedures.domainListAllSnapshots({ dom, needResults: 1, flags: 0x800 }, context), {
    message: "unsupported flags (0x800) in function qemuDomainListAllSnapshots",
  });
  assert.equal(procedures.domainSnapshotCreateXml, undefined, "who cannot make one does not say so");
});
