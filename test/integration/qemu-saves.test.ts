import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { helloDefinition } from "../../src/driver/qemu/index.ts";
import type { Domain } from "../../src/protocol/index.ts";
import { Bench, bounded, call } from "./qemu-bench.ts";

/** What has been told since the last time, without names. */
function news(bench: Bench): string[] {
  return bench.events.splice(0).map((event) => event.replace(/^\S+ /, ""));
}

async function running(bench: Bench): Promise<Domain> {
  const dom = await bench.define();
  await bench.start(dom);
  news(bench);
  return dom;
}

test("a guest is saved to a file and goes on from there, as another run", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await running(bench);
  await bench.until(() => readFileSync(bench.serialLog, "utf8").includes("No bootable device.\r\n"));
  const path = join(bench.directory, "hello.save");
  await call(bench.driver, "domainSave", { dom, to: path });
  assert.deepEqual(
    [news(bench), await bench.state(dom)],
    [
      ["1: suspended 0", "-1: stopped 4"],
      [5, 5],
    ],
  );
  await bench.until(() => bench.runFiles.length === 0);
  assert.equal(readFileSync(path, "latin1").slice(0, 16), "LibvirtQemudSave");
  const { xml } = await call(bench.driver, "domainSaveImageGetXmlDesc", { file: path, flags: 0 });
  assert.match(xml, new RegExp(`<uuid>${dom.uuid}</uuid>`));

  const before = readFileSync(bench.serialLog, "utf8");
  await call(bench.driver, "domainRestore", { from: path });
  bench.pid(dom);
  assert.deepEqual(
    [news(bench), await bench.state(dom)],
    [
      ["2: started 2", "2: resumed 2"],
      [1, 3],
    ],
  );
  assert.equal(readFileSync(bench.serialLog, "utf8"), before, "it has not booted again");
  await call(bench.driver, "domainDestroy", { dom });
});

test("one that was paused stays paused, unless somebody says otherwise", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await running(bench);
  const path = join(bench.directory, "hello.save");
  await call(bench.driver, "domainSuspend", { dom });
  await call(bench.driver, "domainSave", { dom, to: path });
  assert.deepEqual(news(bench), ["1: suspended 0", "-1: stopped 4"]);
  await call(bench.driver, "domainRestore", { from: path });
  bench.pid(dom);
  assert.deepEqual(
    [news(bench), await bench.state(dom)],
    [
      ["2: started 2", "2: suspended 4"],
      [3, 2],
    ],
  );
  await call(bench.driver, "domainDestroy", { dom });
  news(bench);
  await call(bench.driver, "domainRestoreFlags", { from: path, dxml: null, flags: 2 });
  bench.pid(dom);
  assert.deepEqual(
    [news(bench), await bench.state(dom)],
    [
      ["3: started 2", "3: resumed 2"],
      [1, 3],
    ],
  );
  await call(bench.driver, "domainDestroy", { dom });
});

test("a managed save is taken up by the next start, once", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await running(bench);
  const has = async (): Promise<number> =>
    (await call(bench.driver, "domainHasManagedSaveImage", { dom, flags: 0 })).result;
  await call(bench.driver, "domainManagedSave", { dom, flags: 0 });
  assert.deepEqual([news(bench), await has()], [["1: suspended 0", "-1: stopped 4"], 1]);
  await assert.rejects(
    call(bench.driver, "domainUndefine", { dom }),
    /Refusing to undefine while domain managed save image exists/,
  );
  await bench.driver.close();
  await bench.openDriver();
  assert.equal(await has(), 1, "the next daemon knows it");
  await bench.start(dom);
  assert.deepEqual([news(bench), await has()], [["1: started 2", "1: resumed 2"], 0]);
  await call(bench.driver, "domainManagedSave", { dom, flags: 4 });
  news(bench);
  await call(bench.driver, "domainCreateWithFlags", { dom, flags: 8 });
  bench.pid(dom);
  assert.deepEqual([news(bench), await has()], [["2: resumed 0", "2: started 0"], 0], "it has booted");
  await call(bench.driver, "domainDestroy", { dom });
});

test("a save that cannot be written leaves the guest running", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await running(bench);
  await assert.rejects(call(bench.driver, "domainSave", { dom, to: "/nosuch/file" }), {
    message: "Failed to create file '/nosuch/file': No such file or directory",
  });
  assert.deepEqual([news(bench), await bench.state(dom)], [[], [1, 1]], "it has not noticed");
  if (existsSync("/dev/full")) {
    await assert.rejects(call(bench.driver, "domainCoreDump", { dom, to: "/dev/full", flags: 0 }), /dump the domain/);
    assert.deepEqual(
      [news(bench), await bench.state(dom)],
      [
        ["1: suspended 0", "1: resumed 0"],
        [1, 5],
      ],
    );
    assert.ok(existsSync("/dev/full"), "a device stays, whatever became of the dump");
  }
  await call(bench.driver, "domainDestroy", { dom });
});

test("memory is dumped in both forms, and the guest goes on or not as it is wished", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await running(bench);
  const core = (name: string): string => join(bench.directory, name);
  await call(bench.driver, "domainCoreDump", { dom, to: core("migration"), flags: 0 });
  assert.deepEqual(news(bench), ["1: suspended 0", "1: resumed 0"]);
  assert.equal(readFileSync(core("migration"), "latin1").slice(0, 4), "QEVM");
  await call(bench.driver, "domainCoreDump", { dom, to: core("elf"), flags: 16 });
  assert.equal(readFileSync(core("elf"), "latin1").slice(1, 4), "ELF");
  await call(bench.driver, "domainCoreDumpWithFormat", { dom, to: core("kdump"), dumpformat: 1, flags: 16 });
  assert.equal(readFileSync(core("kdump"), "latin1").slice(0, 8), "makedump");
  news(bench);
  await call(bench.driver, "domainCoreDump", { dom, to: core("last"), flags: 1 });
  assert.deepEqual(
    [news(bench), await bench.state(dom)],
    [
      ["1: suspended 0", "-1: stopped 2"],
      [5, 3],
    ],
  );
});

test("the definition inside an image can be replaced, by one of the same guest", bounded, async (context) => {
  const bench = await Bench.open(context);
  const dom = await running(bench);
  const file = join(bench.directory, "hello.save");
  await call(bench.driver, "domainSave", { dom, to: file });
  const { xml } = await call(bench.driver, "domainSaveImageGetXmlDesc", { file, flags: 0 });
  const dxml = xml.replace("</name>", "</name><title>changed</title>");
  await call(bench.driver, "domainSaveImageDefineXml", { file, dxml, flags: 4 });
  await call(bench.driver, "domainRestore", { from: file });
  bench.pid(dom);
  assert.deepEqual(await bench.state(dom), [3, 2], "it was to stay paused");
  assert.match((await call(bench.driver, "domainGetXmlDesc", { dom, flags: 0 })).xml, /<title>changed/);
  const other = xml.replace(
    dom.uuid,
    dom.uuid.replace(/^./, (digit) => (digit === "f" ? "e" : "f")),
  );
  await assert.rejects(
    call(bench.driver, "domainSaveImageDefineXml", { file, dxml: other, flags: 0 }),
    /does not match/,
  );
  writeFileSync(file, "something else, that is long enough to be a header: ".repeat(4));
  await assert.rejects(call(bench.driver, "domainRestore", { from: file }), { message: /image magic is incorrect$/ });
  await call(bench.driver, "domainDestroy", { dom });
});

test("a save that is aborted says so, leaves no file, and the guest goes on", bounded, async (context) => {
  const bench = await Bench.open(context);
  const xml = helloDefinition({ serialLog: bench.serialLog }).replace(">128<", ">512<");
  const dom = await bench.define(xml);
  await bench.start(dom);
  const path = join(bench.directory, "hello.save");
  for (;;) {
    news(bench);
    const saved = call(bench.driver, "domainSave", { dom, to: path }).then(
      () => "saved",
      (error: Error) => error.message,
    );
    await bench.until(() => existsSync(path));
    await call(bench.driver, "domainAbortJob", { dom }).catch(() => {});
    const outcome = await saved;
    if (outcome === "saved") {
      // It was faster.
      await call(bench.driver, "domainRestore", { from: path });
      bench.pid(dom);
      continue;
    }
    assert.equal(outcome, "operation aborted: domain save job: canceled by client");
    break;
  }
  assert.deepEqual(await bench.state(dom), [1, bench.events.length === 0 ? 1 : 7]);
  assert.ok(!existsSync(path));
  assert.equal((await call(bench.driver, "domainGetJobInfo", { dom })).type, 0);
  await call(bench.driver, "domainDestroy", { dom });
  await bench.until(() => bench.runFiles.length === 0);
  assert.deepEqual(readdirSync(join(bench.directory, "state", "save")), []);
});
