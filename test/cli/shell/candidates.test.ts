import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { candidates } from "../../../src/cli/shell/candidates.ts";
import { type Connection, open } from "../../../src/open/index.ts";

suite("what could come next on a command line", () => {
  let connection: Connection | undefined;
  before(async () => {
    connection = await open("test:///default", { embed: true });
  });
  after(() => connection?.close());

  const next = async (line: string): Promise<string[]> =>
    (await candidates(line, async () => connection, ["doctor"]))[0];

  test("is a verb at first, or a command beside them", async () => {
    assert.deepEqual(await next("net-du"), ["net-dumpxml"]);
    assert.deepEqual(await next("-c test:///default doc"), ["doctor"]);
    assert.ok((await next("")).includes("list"));
  });

  test("is an option that is not there yet", async () => {
    assert.deepEqual(await next("domstate test --"), ["--reason"]);
    assert.deepEqual(await next("domstate test --reason --"), []);
    assert.ok((await next("list --all --js")).includes("--json"));
  });

  test("is the name of something that the hypervisor has", async () => {
    assert.deepEqual(await next("dominfo "), ["test"]);
    assert.deepEqual(await next("net-info d"), ["default"]);
    assert.deepEqual(await next("vol-info x --pool "), ["default-pool"]);
    assert.deepEqual(await next("detach-disk test "), ["vda"]);
    assert.deepEqual(await next("event --event io-"), ["io-error", "io-error-reason"]);
    assert.deepEqual(await next("dominfo --domain t"), ["test"]);
    assert.deepEqual(await next("--connect "), [
      "qemu:///session",
      "qemu:///system",
      "test:///default",
      "xen:///system",
    ]);
  });

  test("is nothing where it cannot be asked, or is for the shell to know", async () => {
    assert.deepEqual((await candidates("dominfo ", async () => undefined))[0], []);
    assert.deepEqual(await next("define "), []);
    assert.deepEqual(await next("frob "), []);
    assert.deepEqual(await next("snapshot-info nosuch "), []);
  });
});
