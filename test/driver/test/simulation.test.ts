import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { CallContext, Hypervisor } from "../../../src/driver/driver.ts";
import { localContext } from "../../../src/driver/local-context.ts";
import { TestDriver } from "../../../src/driver/test/index.ts";
import {
  type ArgsOf,
  type Domain,
  type driverProcedures,
  ErrorCode,
  type Fault,
  type ownHypervisorProcedures,
  type RetOf,
} from "../../../src/protocol/index.ts";
import { World } from "../../rpc/world.ts";

type Rows = typeof driverProcedures & typeof ownHypervisorProcedures;

const readWrite = { readOnly: false };

function definition(name: string, uuid = "11111111-2222-3333-4444-555555555555"): string {
  return `<domain type='test'><name>${name}</name><uuid>${uuid}</uuid><memory>1024</memory><os><type>hvm</type></os></domain>`;
}

function fault(change: Partial<Fault>): Fault {
  return {
    kind: "fail",
    on: "domainCreate",
    dom: null,
    skip: 0,
    times: 0,
    delayMs: 0,
    code: 0,
    message: null,
    ...change,
  };
}

/** A driver over real files, in virtual time. */
class Bench {
  readonly world = new World();
  readonly warnings: unknown[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), "simulation-"));
  driver = this.#make();
  readonly events: string[] = [];

  get state(): string {
    return join(this.directory, "state");
  }

  get uri(): string {
    return `test:///default?state=${encodeURIComponent(this.state)}`;
  }

  /** As after the end of the process, whose memory is lost. */
  async restart(): Promise<void> {
    await this.settle(this.driver.close());
    this.driver = this.#make();
  }

  async open(uri = this.uri): Promise<Hypervisor> {
    const { hypervisor } = await this.settle((async () => this.driver.connect(uri, readWrite))());
    hypervisor.subscribe(({ sequence, event }) => {
      if (event.name === "lifecycle") this.events.push(`${sequence} ${event.dom.name} ${event.event}`);
    });
    return hypervisor;
  }

  /** As the daemon calls. */
  async call<N extends keyof Rows>(
    hypervisor: Hypervisor,
    name: N,
    args: ArgsOf<Rows[N]>,
    context: Partial<CallContext> = {},
  ): Promise<RetOf<Rows[N]>> {
    const handler = hypervisor.procedures[name] as (
      args: ArgsOf<Rows[N]>,
      context: CallContext,
    ) => RetOf<Rows[N]> | Promise<RetOf<Rows[N]>>;
    return this.settle((async () => handler(args, { ...localContext(), ...context }))());
  }

  /** Turns of the loop until the promise has settled; files take their own time. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const end = (): void => {
      settled = true;
    };
    promise.then(end, end);
    while (!settled) {
      this.world.run();
      await new Promise(setImmediate);
    }
    return promise;
  }

  async end(): Promise<void> {
    await this.settle(this.driver.close());
    chmodSync(this.directory, 0o700);
    rmSync(this.directory, { recursive: true });
  }

  #make(): TestDriver {
    return new TestDriver(this.world.loop, { clock: () => 1_000, onWarning: (error) => this.warnings.push(error) });
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.end());

async function names(hypervisor: Hypervisor): Promise<string[]> {
  const { domains } = await bench.call(hypervisor, "connectListAllDomains", { needResults: 1, flags: 0 });
  return domains.map(({ name, id }) => `${name} ${id}`);
}

async function define(hypervisor: Hypervisor, name: string, uuid?: string): Promise<Domain> {
  return (await bench.call(hypervisor, "domainDefineXml", { xml: definition(name, uuid) })).dom;
}

describe("domains in a directory", () => {
  it("are there after a restart as they were: running, paused, defined, with their numbers", async () => {
    const before = await bench.open();
    const dom = await define(before, "kept");
    await bench.call(before, "domainCreate", { dom });
    await bench.call(before, "domainSuspend", { dom });
    await bench.call(before, "domainSetAutostart", { dom, autostart: 1 });
    await bench.call(before, "domainSnapshotCreateXml", { dom, xmlDesc: "<domainsnapshot/>", flags: 0 });
    const state = await bench.call(before, "domainGetState", { dom, flags: 0 });
    const { xml } = await bench.call(before, "domainGetXmlDesc", { dom, flags: 2 });
    await bench.restart();
    const after = await bench.open();
    assert.deepEqual(await names(after), ["test 1", "kept 2"]);
    assert.deepEqual(await bench.call(after, "domainGetState", { dom, flags: 0 }), state);
    assert.deepEqual(await bench.call(after, "domainGetAutostart", { dom }), { autostart: 1 });
    assert.deepEqual(await bench.call(after, "domainGetXmlDesc", { dom, flags: 2 }), { xml });
    assert.deepEqual(await bench.call(after, "domainSnapshotNum", { dom, flags: 0 }), { num: 1 });
    const next = await define(after, "next", "11111111-2222-3333-4444-000000000000");
    await bench.call(after, "domainCreate", { dom: next });
    assert.deepEqual(await names(after), ["test 1", "kept 2", "next 3"], "no number is given again");
  });

  it("stay away once they were undefined, the one of the beginning among them", async () => {
    const before = await bench.open();
    const { dom } = await bench.call(before, "domainLookupByName", { name: "test" });
    await bench.call(before, "domainDestroy", { dom });
    await bench.call(before, "domainUndefine", { dom });
    await bench.restart();
    assert.deepEqual(await names(await bench.open()), []);
  });

  it("are confirmed and told of when they are on disk, in order", async () => {
    const hypervisor = await bench.open();
    const handler = hypervisor.procedures.domainDefineXml;
    const defining = (async () => handler?.({ xml: definition("slow") }, localContext()))();
    assert.deepEqual(bench.events, []);
    await bench.settle(defining);
    const [record] = readdirSync(join(bench.state, "guests")).filter((name) => name.startsWith("1111"));
    assert.match(readFileSync(join(bench.state, "guests", record ?? ""), "utf8"), /<name>slow<\/name>/);
    assert.deepEqual(bench.events, ["1 slow 0"]);
  });

  it("go on in the numbers of their journal", async () => {
    const before = await bench.open();
    await define(before, "kept");
    const cursor = before.journal.position;
    await bench.restart();
    const after = await bench.open();
    await define(after, "other", "11111111-2222-3333-4444-000000000000");
    const { events, gap } = after.journal.after(cursor);
    assert.deepEqual([events.map(({ sequence }) => sequence), gap], [[2], undefined]);
  });

  it("tell after a sudden end what was on disk and had not come into the journal, once", async () => {
    const before = await bench.open();
    await define(before, "kept");
    const dom = await define(before, "other", "11111111-2222-3333-4444-000000000000");
    await bench.call(before, "domainCreate", { dom });
    const cursor = { ...before.journal.position, sequence: 1 };
    await bench.restart();
    // As if the process had ended before it could write the last event.
    const [segment = ""] = readdirSync(join(bench.state, "journal"));
    const path = join(bench.state, "journal", segment);
    const lines = readFileSync(path, "utf8").split("\n");
    writeFileSync(path, `${lines.slice(0, -2).join("\n")}\n`);
    for (const round of [1, 2]) {
      const told = (await bench.open()).journal
        .after(cursor)
        .events.map(({ sequence, event }) => ({ sequence, event }));
      const started = { name: "lifecycle", dom: { ...dom, id: 2 }, event: 2, detail: 0 };
      assert.deepEqual(told.slice(1), [{ sequence: 3, event: started }], `round ${round}`);
      await bench.restart();
    }
  });

  it("tell of a domain that is gone, and forget it then", async () => {
    const before = await bench.open();
    const dom = await define(before, "kept");
    const since = before.journal.position;
    await bench.restart();
    const path = join(bench.state, "guests", `${dom.uuid}.json`);
    const gone = { name: "lifecycle", dom, event: 1, detail: 0 };
    for (const round of [1, 2]) {
      writeFileSync(path, `${JSON.stringify({ news: { since, events: [gone] }, format: 1 })}\n`);
      const after = await bench.open();
      assert.deepEqual(await names(after), ["test 1"]);
      const told = after.journal.after(since).events.map(({ sequence, event }) => ({ sequence, event }));
      assert.deepEqual(told, [{ sequence: 2, event: gone }], `round ${round}`);
      assert.equal(existsSync(path), false);
      await bench.restart();
    }
    assert.deepEqual(bench.warnings, []);
  });

  it("tell nothing that a journal which is gone may have had", async () => {
    const before = await bench.open();
    await define(before, "kept");
    await bench.restart();
    rmSync(join(bench.state, "journal"), { recursive: true });
    const after = await bench.open();
    assert.deepEqual([await names(after), after.journal.position.sequence], [["test 1", "kept -1"], 0]);
  });

  it("are told to nobody before they are in the journal for good", async () => {
    const hypervisor = await bench.open();
    const inJournal: boolean[] = [];
    hypervisor.subscribe(({ event }) => {
      const [segment = ""] = readdirSync(join(bench.state, "journal"));
      const text = readFileSync(join(bench.state, "journal", segment), "utf8");
      inJournal.push(text.includes(JSON.stringify(event.dom)));
    });
    await define(hypervisor, "kept");
    assert.deepEqual(inJournal, [true]);
  });

  it("are one process's alone, and one hypervisor for all its connections", async () => {
    const first = await bench.open();
    assert.equal(await bench.open(), first);
    const other = new TestDriver(bench.world.loop);
    await assert.rejects(bench.settle((async () => other.connect(bench.uri, readWrite))()), /another process uses/);
    await bench.settle(other.close());
  });

  it("are not begun by a connection that may only read", async () => {
    const connecting = (async () => bench.driver.connect(bench.uri, { readOnly: true }))();
    await assert.rejects(bench.settle(connecting), { code: ErrorCode.operationDenied });
  });

  it("that cannot be read stay where they are, and are reported", async () => {
    const before = await bench.open();
    const dom = await define(before, "kept");
    await bench.restart();
    const path = join(bench.state, "guests", `${dom.uuid}.json`);
    writeFileSync(path, "{");
    const after = await bench.open();
    assert.deepEqual(await names(after), ["test 1"]);
    assert.match(String(bench.warnings[0]), /kept|left out, and left as it is/);
    await assert.rejects(define(after, "kept"), /move it away/);
    assert.deepEqual([await names(after), readFileSync(path, "utf8")], [["test 1"], "{"]);
  });

  it("need a directory by its whole path", async () => {
    await assert.rejects(bench.open("test:///default?state=here"), {
      code: ErrorCode.invalidArg,
      message: /whole path/,
    });
  });
});

describe("domains in a directory, when something goes wrong", () => {
  it("are there after a restart whatever text users have given", async () => {
    const before = await bench.open();
    const dom = await define(before, "kept");
    const metadata = (change: Partial<ArgsOf<Rows["domainSetMetadata"]>>): Promise<void> =>
      bench.call(before, "domainSetMetadata", {
        dom,
        type: 2,
        metadata: "<a/>",
        key: "k",
        uri: "urn:k",
        flags: 0,
        ...change,
      });
    await metadata({ type: 1, metadata: "tit\u0001le", key: null, uri: null });
    await metadata({});
    for (const change of [
      { key: "a b='1'" },
      { key: "xmlns" },
      { uri: "http://www.w3.org/XML/1998/namespace" },
      { metadata: "<a xmlns:k='urn:other'><k:b/></a>" },
    ])
      await assert.rejects(metadata(change), { code: ErrorCode.internalError, message: /XML namespace/ });
    await metadata({ metadata: `<a>${"<b>".repeat(255)}${"</b>".repeat(255)}</a>`, uri: "urn:deep" });
    const long = metadata({ type: 0, metadata: "x".repeat(1_100_000), key: null, uri: null });
    await assert.rejects(long, { code: ErrorCode.xmlError });
    await bench.restart();
    const after = await bench.open();
    assert.deepEqual([await names(after), bench.warnings], [["test 1", "kept -1"], []]);
    const title = { dom, type: 1, uri: null, flags: 0 };
    assert.deepEqual(await bench.call(after, "domainGetMetadata", title), { metadata: "title" });
  });

  it("keep their names when a new one cannot be", async () => {
    const hypervisor = await bench.open();
    const dom = await define(hypervisor, "kept");
    for (const newName of ["new\n", "n\u0001ew"]) {
      await assert.rejects(bench.call(hypervisor, "domainRename", { dom, newName, flags: 0 }), {
        code: ErrorCode.xmlDetail,
      });
    }
    assert.deepEqual(await bench.call(hypervisor, "domainLookupByName", { name: "kept" }), { dom });
  });

  it("can be opened again after an opening that failed", async () => {
    await assert.rejects(bench.open(`${bench.uri}&fault=nonsense`), { code: ErrorCode.invalidArg });
    const closing = (async () => bench.driver.connect(bench.uri, readWrite))();
    const closed = bench.restart();
    await assert.rejects(bench.settle(closing), { code: ErrorCode.noConnect });
    await closed;
    assert.deepEqual(await names(await bench.open()), ["test 1"]);
  });

  it("are the same by every spelling of the directory", async () => {
    assert.equal(await bench.open(`${bench.uri}%2F`), await bench.open());
  });

  it("that were restored from a file are on disk when that is confirmed", async () => {
    const hypervisor = await bench.open();
    const dom = await define(hypervisor, "saved");
    await bench.call(hypervisor, "domainCreate", { dom });
    const file = join(bench.directory, "image");
    await bench.call(hypervisor, "domainSave", { dom, to: file });
    bench.events.length = 0;
    await bench.call(hypervisor, "domainRestore", { from: file });
    assert.deepEqual(bench.events, ["4 saved 2"], "told, so it is on disk");
  });

  it("have the events of what came to the disk at the end in their journal", async () => {
    const before = await bench.open();
    const defining = (async () => before.procedures.domainDefineXml?.({ xml: definition("late") }, localContext()))();
    await bench.restart();
    await bench.settle(defining);
    const after = await bench.open();
    assert.deepEqual(await names(after), ["test 1", "late -1"]);
    assert.equal(after.journal.position.sequence, 1);
  });

  it("are left out when their record is another's copy", async () => {
    const dom = await define(await bench.open(), "kept");
    await bench.restart();
    const guests = join(bench.state, "guests");
    const copy = join(guests, "11111111-2222-3333-4444-000000000000.json");
    writeFileSync(copy, readFileSync(join(guests, `${dom.uuid}.json`), "utf8").replace("kept", "copy"));
    assert.deepEqual(await names(await bench.open()), ["test 1", "kept -1"]);
    assert.match(String(bench.warnings[0]), /under another's name/);
  });

  it("can be changed again and again once an unreadable record was moved away", async () => {
    const dom = await define(await bench.open(), "kept");
    await bench.restart();
    const path = join(bench.state, "guests", `${dom.uuid}.json`);
    writeFileSync(path, "{");
    const after = await bench.open();
    await assert.rejects(define(after, "kept"), /move it away/);
    rmSync(path);
    await define(after, "kept");
    await bench.call(after, "domainCreate", { dom });
    assert.deepEqual(await names(after), ["test 1", "kept 2"]);
  });
});

describe("a saved domain", () => {
  it("is neither read from nor written to what would keep everybody waiting", async () => {
    const hypervisor = await bench.open("test:///default");
    const pipe = join(bench.directory, "pipe");
    execFileSync("mkfifo", [pipe]);
    const dom = await define(hypervisor, "saved");
    await bench.call(hypervisor, "domainCreate", { dom });
    await assert.rejects(bench.call(hypervisor, "domainSave", { dom, to: pipe }), { code: ErrorCode.systemError });
    await assert.rejects(bench.call(hypervisor, "domainRestore", { from: pipe }), /mismatched header magic/);
    await assert.rejects(bench.call(hypervisor, "domainRestore", { from: "/dev/zero" }), /mismatched header magic/);
  });
});

describe("a change that cannot be kept", () => {
  it("leaves the order of domains as it was, by which they come in pages", async () => {
    const hypervisor = await bench.open();
    const first = await define(hypervisor, "first");
    await define(hypervisor, "second", "11111111-2222-3333-4444-000000000000");
    rmSync(join(bench.state, "guests"), { recursive: true });
    await assert.rejects(bench.call(hypervisor, "domainCreate", { dom: first }), { code: ErrorCode.systemError });
    assert.deepEqual(await names(hypervisor), ["test 1", "first -1", "second -1"]);
  });

  it("leaves the name to the one that has it meanwhile", async () => {
    const hypervisor = await bench.open();
    const dom = await define(hypervisor, "name");
    rmSync(join(bench.state, "guests"), { recursive: true });
    const renaming = bench.call(hypervisor, "domainRename", { dom, newName: "other", flags: 0 });
    const taking = define(hypervisor, "name", "11111111-2222-3333-4444-000000000000");
    await assert.rejects(renaming);
    await assert.rejects(taking);
    assert.deepEqual(await bench.call(hypervisor, "domainLookupByName", { name: "name" }), { dom });
  });

  it("fails, is taken back, and nobody is told", async () => {
    const hypervisor = await bench.open();
    const dom = await define(hypervisor, "kept");
    bench.events.length = 0;
    rmSync(join(bench.state, "guests"), { recursive: true });
    await assert.rejects(bench.call(hypervisor, "domainCreate", { dom }), {
      code: ErrorCode.systemError,
      message: /the change cannot be kept, and was taken back/,
    });
    assert.deepEqual(await names(hypervisor), ["test 1", "kept -1"]);
    await assert.rejects(define(hypervisor, "new", "11111111-2222-3333-4444-000000000000"));
    assert.deepEqual([await names(hypervisor), bench.events], [["test 1", "kept -1"], []]);
  });
});

describe("a machine in a file", () => {
  it("has its own domains, each in the state that is written there, for one connection alone", async () => {
    const path = join(bench.directory, "node.xml");
    const outside = join(bench.directory, "outside.xml");
    writeFileSync(outside, definition("outside", "11111111-2222-3333-4444-000000000001"));
    const inner = (name: string, state: string, index: number): string =>
      definition(name, `11111111-2222-3333-4444-00000000001${index}`)
        .replace("<domain ", "<domain xmlns:test='http://libvirt.org/schemas/domain/test/1.0' ")
        .replace("</domain>", `${state}</domain>`);
    writeFileSync(
      path,
      `<node><cpu><mhz>3000</mhz><nodes>1</nodes></cpu><memory>1000</memory><domain file='outside.xml'/>${[
        inner("off", "<test:runstate>5</test:runstate>", 0),
        inner("paused", "<test:runstate>3</test:runstate><test:transient/>", 1),
      ].join("")}</node>`,
    );
    const one = await bench.open(`test://${path}`);
    const other = await bench.open(`test://${path}`);
    assert.deepEqual(await names(one), ["outside 1", "off -1", "paused 3"]);
    const { dom } = await bench.call(one, "domainLookupByName", { name: "paused" });
    assert.deepEqual(await bench.call(one, "domainIsPersistent", { dom }), { persistent: 0 });
    assert.deepEqual(await bench.call(one, "domainGetState", { dom, flags: 0 }), { state: 3, reason: 0 });
    await bench.call(one, "domainDestroy", { dom });
    assert.deepEqual([(await names(one)).length, (await names(other)).length], [2, 3]);
    const { mhz, nodes, memory, sockets } = await bench.call(one, "nodeGetInfo", {});
    assert.deepEqual([mhz, nodes, memory, sockets], [3_000, 1, 1_000n, 2]);
  });

  it("is not read for a stranger who may only read", async () => {
    const path = join(bench.directory, "node.xml");
    writeFileSync(path, "<node/>");
    const identity = { uid: 65_534, gid: 65_534, pid: 1 };
    const connect = async (): Promise<unknown> => bench.driver.connect(`test://${path}`, { readOnly: true, identity });
    await assert.rejects(bench.settle(connect()), { code: ErrorCode.operationDenied });
    await bench.settle((async () => bench.driver.connect(`test://${path}`, { ...readWrite, identity }))());
  });

  it("is refused as a VirError, whatever is wrong with the URI or a number", async () => {
    assert.equal(bench.driver.accepts("test:///%zz"), true);
    await assert.rejects(bench.open("test:///%zz"), { code: ErrorCode.invalidArg });
    const path = join(bench.directory, "node.xml");
    for (const node of [
      "<memory>much</memory>",
      "<memory>-1</memory>",
      "<memory>18446744073709551616</memory>",
      "<cpu><active>2147483648</active></cpu>",
    ]) {
      writeFileSync(path, `<node>${node}</node>`);
      await assert.rejects(bench.open(`test://${path}`), { code: ErrorCode.xmlError });
    }
    await assert.rejects(bench.open("test:////dev/zero"), { code: ErrorCode.systemError, message: /no regular file/ });
  });

  it("that is wrong is refused with the place of the mistake", async () => {
    const path = join(bench.directory, "node.xml");
    const cases: [string, RegExp][] = [
      ["<host/>", /Root element is not 'node'/],
      ["<node>\n<domain></node>", /node\.xml:2/],
      ["<node><cpu><mhz>fast</mhz></cpu></node>", /mhz value 'fast'/],
    ];
    for (const [text, message] of cases) {
      writeFileSync(path, text);
      await assert.rejects(bench.open(`test://${path}`), message);
    }
    await assert.rejects(bench.open("test:///no/such.xml"), { code: ErrorCode.systemError });
  });
});

describe("a fault of the simulator", () => {
  const placed = async (change: Partial<Fault>): Promise<{ hypervisor: Hypervisor; dom: Domain; id: number }> => {
    const hypervisor = await bench.open("test:///default");
    const dom = await define(hypervisor, "victim");
    bench.events.length = 0;
    const { id } = await bench.call(hypervisor, "faultAdd", { fault: fault(change) });
    return { hypervisor, dom, id };
  };

  it("lets a call fail, as often as it is told, in one domain", async () => {
    const { hypervisor, dom, id } = await placed({
      dom: "11111111-2222-3333-4444-555555555555",
      times: 1,
      skip: 0,
      code: ErrorCode.operationFailed,
      message: "no room",
    });
    await assert.rejects(bench.call(hypervisor, "domainCreate", { dom }), /no room/);
    await bench.call(hypervisor, "domainCreate", { dom });
    const { faults } = await bench.call(hypervisor, "faultList", {});
    assert.deepEqual(
      faults.map((each) => [each.id, each.hits]),
      [[id, 1]],
    );
  });

  it("delays a call by time, and changes of the same domain behind it", async () => {
    const { hypervisor, dom } = await placed({ kind: "delay", delayMs: 100 });
    const order: string[] = [];
    const starting = bench.call(hypervisor, "domainCreate", { dom }).then(() => order.push("started"));
    const stopping = bench.call(hypervisor, "domainDestroy", { dom }).then(() => order.push("destroyed"));
    assert.deepEqual(await names(hypervisor), ["test 1", "victim -1"], "reading goes on meanwhile");
    bench.world.pass(100);
    await bench.settle(Promise.all([starting, stopping]));
    assert.deepEqual(order, ["started", "destroyed"]);
  });

  it("stalls a call until its deadline, and says to others who is in the way", async () => {
    const { hypervisor, dom, id } = await placed({ kind: "stall" });
    const abort = new AbortController();
    const starting = bench.call(hypervisor, "domainCreate", { dom }, { signal: abort.signal });
    starting.catch(() => {});
    await new Promise(setImmediate);
    const deadline = bench.world.loop.now() + 50;
    const waiting = bench.call(hypervisor, "domainUndefine", { dom }, { deadline });
    waiting.catch(() => {});
    await new Promise(setImmediate);
    bench.world.pass(60);
    await assert.rejects(waiting, { code: ErrorCode.operationTimeout, message: /held by domainCreate/ });
    abort.abort(new Error("given up"));
    await assert.rejects(starting, /given up/);
    await bench.call(hypervisor, "faultRemove", { id });
    await bench.call(hypervisor, "domainCreate", { dom });
  });

  it("that stalls a call lets it go on when it is taken out", async () => {
    const { hypervisor, dom, id } = await placed({ kind: "stall" });
    const starting = bench.call(hypervisor, "domainCreate", { dom });
    await new Promise(setImmediate);
    await bench.call(hypervisor, "faultRemove", { id });
    await starting;
    assert.deepEqual(await names(hypervisor), ["test 1", "victim 2"]);
  });

  it("loses an event on its way, but not from the journal", async () => {
    const { hypervisor, dom } = await placed({ kind: "lose", on: "lifecycle", times: 1 });
    const cursor = hypervisor.journal.position;
    await bench.call(hypervisor, "domainCreate", { dom });
    await bench.call(hypervisor, "domainDestroy", { dom });
    assert.deepEqual(bench.events, ["3 victim 5"]);
    assert.deepEqual(
      hypervisor.journal.after(cursor).events.map(({ sequence }) => sequence),
      [2, 3],
    );
  });

  it("brings two events out of order", async () => {
    const { hypervisor, dom } = await placed({ kind: "reorder", on: "lifecycle", times: 1 });
    await bench.call(hypervisor, "domainCreate", { dom });
    await bench.call(hypervisor, "domainDestroy", { dom });
    assert.deepEqual(bench.events, ["3 victim 5", "2 victim 2"]);
  });

  it("kills the hypervisor: its listeners hear of it, calls fail, the next connection finds a new one", async () => {
    const { hypervisor, dom } = await placed({ kind: "die" });
    const lost: number[] = [];
    hypervisor.onLost?.((reason) => lost.push(reason));
    await assert.rejects(bench.call(hypervisor, "domainCreate", { dom }), /simulated hypervisor has died/);
    await assert.rejects(names(hypervisor), /simulated hypervisor has died/);
    assert.deepEqual(lost, [1]);
    assert.deepEqual(await names(await bench.open("test:///default")), ["test 1"]);
  });

  it("that kills the hypervisor ends the calls that another one stalls", async () => {
    const hypervisor = await bench.open("test:///default");
    const { dom } = await bench.call(hypervisor, "domainLookupByName", { name: "test" });
    await bench.call(hypervisor, "faultAdd", { fault: fault({ kind: "stall", on: "domainReset" }) });
    await bench.call(hypervisor, "faultAdd", { fault: fault({ kind: "die", on: "connectGetType" }) });
    const stalled = assert.rejects(bench.call(hypervisor, "domainReset", { dom, flags: 0 }), /has died/);
    await assert.rejects(bench.call(hypervisor, "connectGetType", {}), /has died/);
    await stalled;
  });

  it("may stand in the URI, for this connection alone", async () => {
    const faulty = await bench.open("test:///default?fault=fail:domainCreate&fault=delay:domainDestroy:10");
    const dom = await define(faulty, "victim");
    await assert.rejects(bench.call(faulty, "domainCreate", { dom }), { code: ErrorCode.operationFailed });
    assert.deepEqual(await names(await bench.open("test:///default")), ["test 1"]);
  });

  it("is refused when it makes no sense, with what does", async () => {
    const hypervisor = await bench.open("test:///default");
    const cases: [Partial<Fault>, RegExp][] = [
      [{ kind: "melt" }, /use delay, stall, fail, die, lose, reorder/],
      [{ kind: "lose", on: "domainCreate" }, /is on a kind of events \("lifecycle"\), not on "domainCreate"/],
      [{ kind: "stall", on: "lifecycle" }, /is on a call by its row/],
    ];
    for (const [change, message] of cases) {
      const adding = bench.call(hypervisor, "faultAdd", { fault: fault(change) });
      await assert.rejects(adding, { code: ErrorCode.invalidArg, message });
    }
    await assert.rejects(bench.call(hypervisor, "faultRemove", { id: 9 }), { code: ErrorCode.invalidArg });
    await assert.rejects(bench.open("test:///default?fault=delay:domainCreate:soon"), { code: ErrorCode.invalidArg });
  });
});

describe("a snapshot of everything", () => {
  it("has as much in a page as fits into a reply", async () => {
    const hypervisor = await bench.open("test:///default");
    const xml = (name: string): string =>
      definition(name, name.repeat(8).concat("-2222-3333-4444-555555555555")).replace(
        "<os>",
        `<description>${"x".repeat(600_000)}</description><os>`,
      );
    for (const name of ["a", "b", "c"]) await bench.call(hypervisor, "domainDefineXml", { xml: xml(name) });
    const pages: string[][] = [];
    for (let start = 0n; pages.length === 0 || start > 0n; ) {
      const page = await bench.call(hypervisor, "snapshot", { start, limit: 0, stats: 0, withXml: true });
      pages.push(page.domains.map(({ dom }) => dom.name));
      start = page.next;
    }
    assert.deepEqual(pages, [["test", "a", "b"], ["c"]]);
  });

  it("has all domains, their state, stats and XML, and where the journal stands, in pages", async () => {
    const hypervisor = await bench.open("test:///default");
    for (const index of [1, 2, 3]) {
      await define(hypervisor, `d${index}`, `11111111-2222-3333-4444-00000000000${index}`);
    }
    const seen: string[] = [];
    let start = 0n;
    do {
      const page = await bench.call(hypervisor, "snapshot", { start, limit: 3, stats: 1, withXml: true });
      assert.equal(page.position.sequence, BigInt(hypervisor.journal.position.sequence));
      for (const { dom, state, ageMs, stats, xml } of page.domains) {
        seen.push(`${dom.name} ${state} ${ageMs} ${stats.length} ${xml?.includes(`<name>${dom.name}</name>`)}`);
      }
      start = page.next;
    } while (start !== 0n);
    assert.deepEqual(seen, ["test 1 0 2 true", "d1 5 0 2 true", "d2 5 0 2 true", "d3 5 0 2 true"]);
  });
});
