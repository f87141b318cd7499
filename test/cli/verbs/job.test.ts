import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Around, around, Interrupted } from "../../../src/cli/verbs/around.ts";
import { runJob } from "../../../src/cli/verbs/job.ts";
import { barText, Progress } from "../../../src/cli/verbs/progress.ts";
import { type Domain, ErrorCode, ErrorDomain, VirError } from "../../../src/open/index.ts";

/** A terminal whose Ctrl-C is a function. */
function terminal(): { where: Around; said: () => string; interrupt: () => void } {
  const controller = new AbortController();
  let said = "";
  const where: Around = {
    ...around({ out: () => {}, error: (text) => void (said += text) }),
    isWatched: true,
    interruption: () => ({ signal: controller.signal, [Symbol.dispose]: () => {} }),
  };
  return { where, said: () => said, interrupt: () => controller.abort() };
}

/** What runJob needs of a domain. */
function domainThat(abortJob: () => Promise<void>): Domain {
  const fake: Pick<Domain, "name" | "abortJob" | "getJobInfo"> = {
    name: "web",
    abortJob,
    getJobInfo: () => Promise.reject(refusal("nobody knows")),
  };
  return fake as Domain;
}

const refusal = (detail: string): VirError => VirError.of(ErrorCode.operationAborted, ErrorDomain.qemu, detail);

suite("a long job", () => {
  test("is aborted by Ctrl-C, and says so", async () => {
    const { where, interrupt } = terminal();
    const working = Promise.withResolvers<never>();
    const domain = domainThat(async () => working.reject(refusal("job aborted")));
    const job = runJob(domain, where, "Save", () => working.promise);
    interrupt();
    await assert.rejects(
      job,
      (error) => error instanceof Interrupted && /job on domain .web. is aborted/.test(error.message),
    );
  });

  test("goes on when it cannot be aborted", async () => {
    const { where, said, interrupt } = terminal();
    const working = Promise.withResolvers<string>();
    const asked = Promise.withResolvers<void>();
    const domain = domainThat(() => {
      asked.resolve();
      return Promise.reject(VirError.of(ErrorCode.operationInvalid, ErrorDomain.qemu, "no job is active"));
    });
    const job = runJob(domain, where, "Save", () => working.promise);
    interrupt();
    await asked.promise;
    working.resolve("saved");
    assert.equal(await job, "saved");
    assert.match(said(), /the job on domain 'web' cannot be aborted: .*no job is active/);
  });

  test("fails with what is wrong when nobody has ended it", async () => {
    const { where } = terminal();
    const failing = runJob(
      domainThat(async () => {}),
      where,
      "Save",
      () => Promise.reject(refusal("disk full")),
    );
    await assert.rejects(failing, /disk full/);
  });
});

suite("a bar", () => {
  test("is as full as the work is done", () => {
    assert.equal(barText(0n, 0n), "[..............................]   0 %");
    assert.equal(barText(1n, 2n), "[###############...............]  50 %");
    assert.equal(barText(9n, 3n), "[##############################] 100 %");
  });

  test("is gone when the work is over; where nobody watches it is nothing, or the percentage that was asked for", () => {
    const { where, said } = terminal();
    {
      using progress = new Progress(where, "Save");
      progress.show(1n, 2n);
      progress.show(1n, 2n);
    }
    assert.match(said(), /^\rSave \[#{15}\.{15}\] {2}50 %\r +\r$/);
    const unseen = terminal();
    using progress = new Progress({ ...unseen.where, isWatched: false }, "Save");
    progress.show(1n, 2n);
    assert.equal(unseen.said(), "");
    using asked = new Progress({ ...unseen.where, isWatched: false }, "Save", true);
    for (const done of [1n, 1n, 3n]) asked.show(done, 3n);
    assert.equal(unseen.said(), "\rSave: [ 33 %]\rSave: [100 %]");
  });
});
