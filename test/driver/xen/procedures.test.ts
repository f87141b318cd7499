import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { localContext } from "../../../src/driver/local-context.ts";
import { xenProcedures } from "../../../src/driver/xen/procedures/index.ts";
import { LibxlError } from "../../../src/libxl/index.ts";
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

  test("shuts a guest down in the ways that are asked for, the power button last", async () => {
    const { bench, procedures } = await setUp();
    const shutDown = async (flags: number) =>
      procedures.domainShutdownFlags({ dom: bench.domain.reference, flags }, context);
    for (const [flags, knowsXen, expected] of [
      [0, true, ["shutdown"]],
      [0, false, ["shutdown", "pressPowerButton"]],
      [1, true, ["pressPowerButton"]],
      [16, true, ["shutdown"]],
      [1 | 16, true, ["shutdown"]],
      [1 | 16, false, ["shutdown", "pressPowerButton"]],
    ] as const) {
      await bench.running();
      if (!knowsXen) bench.xen.failures.set("shutdown", new LibxlError(-10, "shutdown"));
      bench.xen.calls.length = 0;
      assert.equal(await bench.refused(shutDown(flags)), "done", `flags ${flags}`);
      assert.deepEqual(
        bench.xen.calls.filter((call) => call === "shutdown" || call === "pressPowerButton"),
        expected,
      );
      assert.match(bench.log.join(), /^stopped shutdown \d$/);
    }
    await bench.running();
    bench.xen.failures.set("shutdown", new LibxlError(-10, "shutdown"));
    assert.match(await bench.refused(shutDown(16)), /NOPARAVIRT/);
    bench.xen.failures.set("shutdown", new LibxlError(-3, "shutdown"));
    assert.match(await bench.refused(shutDown(0)), /FAIL/);
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
