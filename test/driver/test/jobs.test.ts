import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { CallContext, Hypervisor } from "../../../src/driver/driver.ts";
import { localContext } from "../../../src/driver/local-context.ts";
import { TestDriver } from "../../../src/driver/test/index.ts";
import { type ArgsOf, type driverProcedures, ErrorCode, type RetOf } from "../../../src/protocol/index.ts";
import { World } from "../../rpc/world.ts";

type Rows = typeof driverProcedures;

const dom = { name: "test", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 1 };

describe("a job of the test hypervisor that takes long", () => {
  let world: World;
  let driver: TestDriver;
  let hypervisor: Hypervisor;

  beforeEach(async () => {
    world = new World();
    driver = new TestDriver(world.loop);
    const uri = "test:///default?fault=delay:domainManagedSave:1000";
    ({ hypervisor } = await driver.connect(uri, { readOnly: false }));
  });
  afterEach(() => driver.close());

  async function call<N extends keyof Rows>(name: N, args: ArgsOf<Rows[N]>): Promise<RetOf<Rows[N]>> {
    const handler = hypervisor.procedures[name] as (args: ArgsOf<Rows[N]>, context: CallContext) => RetOf<Rows[N]>;
    return handler(args, localContext());
  }

  async function begin(): Promise<{ readonly saving: Promise<unknown> }> {
    const saving = call("domainManagedSave", { dom, flags: 0 });
    saving.catch(() => {});
    await new Promise(setImmediate);
    return { saving };
  }

  it("says how far it is, and nothing once it is over", async () => {
    const { saving } = await begin();
    world.pass(250);
    const info = await call("domainGetJobInfo", { dom });
    const { type, timeElapsed, timeRemaining, dataTotal, dataProcessed, dataRemaining } = info;
    assert.deepEqual([type, timeElapsed, timeRemaining], [2, 250n, 750n]);
    assert.deepEqual([dataTotal, dataProcessed, dataRemaining], [2n ** 31n, 2n ** 29n, 3n * 2n ** 29n]);
    const { params } = await call("domainGetJobStats", { dom, flags: 0 });
    assert.deepEqual(params[0], { field: "operation", value: { type: "int", value: 2 } });
    world.pass(750);
    await world.settle(saving);
    await assert.rejects(call("domainGetJobInfo", { dom }), { code: ErrorCode.noSupport });
    assert.equal((await call("domainIsActive", { dom })).active, 0);
  });

  it("is aborted, and the domain runs on", async () => {
    const { saving } = await begin();
    await call("domainAbortJob", { dom });
    await assert.rejects(world.settle(saving), {
      code: ErrorCode.operationAborted,
      message: "operation aborted: domain save job: canceled by client",
    });
    assert.equal((await call("domainIsActive", { dom })).active, 1);
    await assert.rejects(call("domainAbortJob", { dom }), { code: ErrorCode.noSupport });
  });

  it("does not keep the domain from being destroyed, and ends with it", async () => {
    const { saving } = await begin();
    await world.settle(call("domainDestroy", { dom }) as Promise<unknown>);
    await assert.rejects(world.settle(saving), { code: ErrorCode.operationFailed });
    assert.equal((await call("domainHasManagedSaveImage", { dom, flags: 0 })).result, 0);
  });

  it("lets other changes wait", async () => {
    const { saving } = await begin();
    const suspending = call("domainSuspend", { dom }) as Promise<unknown>;
    suspending.catch(() => {});
    await call("domainAbortJobFlags", { dom, flags: 0 });
    await assert.rejects(world.settle(saving));
    await world.settle(suspending);
    assert.equal((await call("domainGetState", { dom, flags: 0 })).state, 3);
  });
});
