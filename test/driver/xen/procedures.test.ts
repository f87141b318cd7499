import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { localContext } from "../../../src/driver/local-context.ts";
import { xenProcedures } from "../../../src/driver/xen/procedures/index.ts";
import { Bench, xml } from "./bench.ts";

const context = localContext();

type Procedures = Required<ReturnType<typeof xenProcedures>>;

async function setUp(): Promise<{ bench: Bench; procedures: Procedures }> {
  const bench = await new Bench().loaded();
  return { bench, procedures: xenProcedures(bench.operations) as Procedures };
}

suite("a call to the Xen driver", () => {
  test("that is to validate refuses what libvirt's schema has not", async () => {
    const { bench, procedures } = await setUp();
    const define = async (text: string) => procedures.domainDefineXmlFlags({ xml: text, flags: 1 }, context);
    const create = async (text: string) => procedures.domainCreateXml({ xmlDesc: text, flags: 16 }, context);
    for (const call of [define, create]) {
      assert.match(await bench.refused(call(xml("<frob/>"))), /Extra element frob in interleave/);
      assert.equal(await bench.refused(call(xml())), "done");
    }
    await bench.done(bench.operations.destroy(bench.domain, {}));
    bench.checkQuiet();
  });

  test("writes nothing of Domain-0", async () => {
    const { bench, procedures } = await setUp();
    const zero = bench.guests.domains.byId(0);
    const describe = async (flags: number) =>
      procedures.domainSetMetadata(
        { dom: zero.reference, type: 0, metadata: "mine", key: null, uri: null, flags },
        context,
      );
    for (const flags of [1, 2]) {
      assert.match(await bench.refused(describe(flags)), /Domain-0 does not support requested operation/);
    }
    assert.deepEqual([...bench.world.stored.keys()], []);
    assert.deepEqual(bench.log, []);
    bench.checkQuiet();
  });
});
