import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { helloDefinition } from "../../src/driver/qemu/index.ts";
import { ErrorCode } from "../../src/protocol/index.ts";
import { Bench, bounded, call } from "./qemu-bench.ts";

test(
  "a QEMU that is stopped is told by its age, keeps nobody, and is itself again without a start",
  bounded,
  async (context) => {
    const bench = await Bench.open(context);
    const dom = await bench.define();
    const other = await bench.define(helloDefinition({ name: "other", serialLog: join(bench.directory, "other.log") }));
    const pid = await bench.start(dom);
    await bench.start(other);
    const look = async (): Promise<Record<string, { state: number; ageMs: bigint }>> => {
      const { domains } = await call(bench.driver, "snapshot", { start: 0n, limit: 0, stats: 15, withXml: true });
      return Object.fromEntries(domains.map(({ dom: { name }, state, ageMs }) => [name, { state, ageMs }]));
    };
    assert.deepEqual(await look(), { hello: { state: 1, ageMs: 0n }, other: { state: 1, ageMs: 0n } });

    process.kill(pid, "SIGSTOP");
    const before = bench.loop.now();
    await assert.rejects(call(bench.driver, "domainSuspend", { dom }, { deadline: before + 300 }), {
      code: ErrorCode.operationTimeout,
    });
    assert.ok(bench.loop.now() - before < 5_000, "the call has ended by its deadline");
    await bench.until(() => bench.loop.now() > before + 400);
    const seen = await look();
    assert.deepEqual([seen["hello"]?.state, seen["other"]], [1, { state: 1, ageMs: 0n }]);
    assert.ok((seen["hello"]?.ageMs ?? 0n) > 0n, "what is known of it is old");
    const { state } = await call(bench.driver, "domainGetControlInfo", { dom, flags: 0 });
    assert.equal(state, 2, "occupied");
    await call(bench.driver, "domainSuspend", { dom: other });

    process.kill(pid, "SIGCONT");
    // What it was told before it was stopped it does now; nobody waits for that any more.
    await bench.until(() => bench.events.at(-1)?.startsWith("hello 1: suspended") === true);
    await call(bench.driver, "domainResume", { dom });
    assert.deepEqual([bench.pid(dom), (await look())["hello"]], [pid, { state: 1, ageMs: 0n }]);
    for (const each of [dom, other]) await call(bench.driver, "domainDestroy", { dom: each });
  },
);

test(
  "a save of a QEMU that is stopped does not keep it from being destroyed, and leaves no file",
  bounded,
  async (context) => {
    const bench = await Bench.open(context, { terminateMs: 300 });
    const dom = await bench.define();
    const pid = await bench.start(dom);
    process.kill(pid, "SIGSTOP");
    const saved = call(bench.driver, "domainSave", { dom, to: join(bench.directory, "save") }).catch(
      (error: Error) => error.message,
    );
    await bench.until(() => bench.runFiles.length > 0);
    await call(bench.driver, "domainDestroy", { dom });
    assert.match(String(await saved), /no longer running/);
    assert.deepEqual(await bench.state(dom), [5, 2]);
    await bench.until(() => bench.runFiles.length === 0);
  },
);
