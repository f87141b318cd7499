import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallContext } from "../../../src/driver/driver.ts";
import { localContext } from "../../../src/driver/local-context.ts";
import { TestDriver } from "../../../src/driver/test/index.ts";
import type { ArgsOf, driverProcedures, RetOf } from "../../../src/protocol/index.ts";
import { World } from "../../rpc/world.ts";

type Rows = typeof driverProcedures;

const filler = "<x y='z'/>".repeat(5_000);

function xml(name: string, metadata = ""): string {
  return `<domain type='test'><name>${name}</name><memory>1024</memory><os><type>hvm</type></os>${metadata}</domain>`;
}

/** The driver in a world that stands still until it is turned. */
function driving() {
  const world = new World();
  const driver = new TestDriver(world.loop, { clock: () => 0 });
  const events: string[] = [];
  driver.subscribe(({ event }) => {
    if (event.name === "lifecycle") events.push(`${event.dom.name} ${event.event}`);
  });
  const abort = new AbortController();
  const context = localContext(abort.signal);
  const call = async <N extends keyof Rows>(name: N, args: ArgsOf<Rows[N]>): Promise<RetOf<Rows[N]>> => {
    const handler = driver.procedures[name] as (args: ArgsOf<Rows[N]>, context: CallContext) => RetOf<Rows[N]>;
    return handler(args, context);
  };
  const names = async (): Promise<string[]> => {
    const { domains } = await call("connectListAllDomains", { needResults: 1, flags: 0 });
    return domains.map(({ name }) => name);
  };
  /** Turns until a promise has settled. */
  const turns = async (promise: Promise<unknown>): Promise<number> => {
    let settled = false;
    void promise.then(
      () => (settled = true),
      () => (settled = true),
    );
    for (let count = 0; ; count++) {
      for (let rounds = 0; rounds < 20; rounds++) await Promise.resolve();
      if (settled) return count;
      assert.ok(count < 1_000 && world.host.needsTurn, "the call does not end");
      world.loop.runTurn();
    }
  };
  return { world, driver, events, abort, call, names, turns };
}

test("a short definition is there when the handler returns", () => {
  const { driver, call } = driving();
  void call("domainDefineXml", { xml: xml("short") });
  void call("domainLookupByName", { name: "short" });
  const handler = driver.procedures.domainDefineXml as (args: { xml: string }, context: object) => unknown;
  assert.ok(!(handler({ xml: xml("another") }, { signal: new AbortController().signal }) instanceof Promise));
});

test("a long definition takes a turn of the loop for every 8,192 characters, and others are answered meanwhile", async () => {
  const { call, turns, names } = driving();
  const long = xml("long", `<metadata>${filler}</metadata>`);
  const defined = call("domainDefineXml", { xml: long });
  assert.deepEqual(await names(), ["test"]);
  assert.ok((await turns(defined)) >= long.length / 8_192);
  assert.deepEqual(await names(), ["test", "long"]);
  assert.equal((await defined).dom.name, "long");
});

test("what has changed meanwhile is seen: a name that was free is taken", async () => {
  const { call, turns, names, events } = driving();
  const long = call("domainCreateXml", { xmlDesc: xml("one", `<metadata>${filler}</metadata>`), flags: 0 });
  await call("domainDefineXml", { xml: xml("one") });
  await turns(long);
  await assert.rejects(long, /domain 'one' already exists/);
  assert.deepEqual([await names(), events], [["test", "one"], ["one 0"]]);
});

test("a definition that nobody waits for any more is given up", async () => {
  const { call, turns, names, abort } = driving();
  const long = call("domainDefineXml", { xml: xml("long", `<metadata>${filler}</metadata>`) });
  abort.abort(new Error("gone"));
  assert.ok((await turns(long)) <= 1);
  await assert.rejects(long, { message: "gone" });
  assert.deepEqual(await names(), ["test"]);
});

test("closing gives up what is being read, and nothing is told afterwards", async () => {
  const { call, turns, driver, events } = driving();
  const long = call("domainDefineXml", { xml: xml("long", `<metadata>${filler}</metadata>`) });
  await driver.close();
  assert.ok((await turns(long)) <= 1);
  await assert.rejects(long, /closed/);
  assert.deepEqual(events, []);
});

test("long metadata, snapshots and checkpoints are read with pauses too", async () => {
  const { call, turns } = driving();
  const { dom } = await call("domainLookupByName", { name: "test" });
  const metadata = `<m>${filler}</m>`;
  const set = call("domainSetMetadata", { dom, type: 2, metadata, key: "k", uri: "urn:k", flags: 0 });
  assert.ok((await turns(set)) >= 6);
  await set;
  const got = await call("domainGetMetadata", { dom, type: 2, uri: "urn:k", flags: 0 });
  assert.ok(got.metadata.length > filler.length);
  const snapshot = `<domainsnapshot><name>s</name><description>${"x".repeat(50_000)}</description></domainsnapshot>`;
  const taken = call("domainSnapshotCreateXml", { dom, xmlDesc: snapshot, flags: 0 });
  assert.ok((await turns(taken)) >= 6);
  assert.equal((await taken).snap.name, "s");
  await call("domainSnapshotDelete", { snap: (await taken).snap, flags: 0 });
  const checkpoint = snapshot.replaceAll("domainsnapshot", "domaincheckpoint");
  const made = call("domainCheckpointCreateXml", { dom, xmlDesc: checkpoint, flags: 0 });
  assert.ok((await turns(made)) >= 6);
  assert.equal((await made).checkpoint.name, "s");
});

test("as many drives as one likes get their controllers once", async () => {
  const { call, turns } = driving();
  const name = (index: number): string =>
    [Math.floor(index / 26), index % 26].map((digit) => String.fromCharCode(97 + digit)).join("");
  const disks = Array.from({ length: 300 }, (_, index) => `<disk><target dev='sd${name(index)}'/></disk>`).join("");
  const defined = call("domainDefineXml", { xml: xml("drives", `<devices>${disks}</devices>`) });
  await turns(defined);
  const shown = await call("domainGetXmlDesc", { dom: (await defined).dom, flags: 0 });
  const controllers = [...shown.xml.matchAll(/<controller type='scsi' index='(\d+)'\/>/g)].map(([, index]) => index);
  assert.equal(new Set(controllers).size, controllers.length);
  assert.ok(controllers.length >= 43, String(controllers.length));
});
