import assert from "node:assert/strict";
import { test } from "node:test";
import type { Operations } from "../../../src/driver/qemu/operations.ts";
import { jobProcedures } from "../../../src/driver/qemu/procedures/jobs.ts";
import { ErrorCode } from "../../../src/protocol/index.ts";
import { Bench } from "./bench.ts";

test("a migration in post-copy is not aborted where there is none, and nothing else is in its place", async () => {
  const bench = new Bench();
  const { name, uuid } = await bench.running();
  let aborted = 0;
  const jobs = { abort: async () => void aborted++ };
  const { domainAbortJobFlags } = jobProcedures({ guests: bench.guests, jobs } as unknown as Operations);
  const abort = async (flags: number): Promise<unknown> =>
    domainAbortJobFlags?.({ dom: { name, uuid, id: 1 }, flags }, {} as never);
  await assert.rejects(abort(1), {
    code: ErrorCode.operationInvalid,
    message: "Requested operation is not valid: current job is not outgoing migration in post-copy mode",
  });
  assert.equal(aborted, 0);
  await abort(0);
  assert.equal(aborted, 1);
});
