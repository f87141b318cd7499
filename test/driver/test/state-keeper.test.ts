import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readKept } from "../../../src/driver/test/guest-record.ts";
import { StateKeeper } from "../../../src/driver/test/state-keeper.ts";
import { Deferred } from "../../../src/event/index.ts";
import { type DomainEvent, ErrorCode, type LifecycleEvent } from "../../../src/protocol/index.ts";

const uuid = "11111111-2222-3333-4444-555555555555";

/** What a keeper waits for: its caller says when it ends, and how. */
class Work {
  readonly what: string;
  readonly #done = new Deferred();
  readonly #apply: () => void;

  constructor(what: string, apply: () => void = () => {}) {
    this.what = what;
    this.#apply = apply;
  }

  get promise(): Promise<void> {
    return this.#done.promise;
  }

  async end(): Promise<void> {
    this.#apply();
    this.#done.resolve();
    await turn();
  }

  /** `reaches`: it fails late, when the disk has it already. */
  async fail(code: string, reaches = false): Promise<void> {
    if (reaches) this.#apply();
    this.#done.reject(Object.assign(new Error(`${code}, on purpose`), { code, errno: -28 }));
    await turn();
  }
}

/** A keeper over a disk, a journal and domains in memory; a domain is a number that grows with each change. */
class Bench {
  readonly live = new Map<string, number>();
  readonly names = new Map<string, string>();
  readonly disk = new Map<string, string>();
  readonly journal: string[] = [];
  readonly work: Work[] = [];
  /** Events are in the journal at once, unless told otherwise. */
  holdsEvents = false;
  readonly keeper = new StateKeeper({
    store: {
      save: (name, text) => {
        const value = /"value":(\d+)/.exec(text)?.[1] ?? "gone";
        const news = /"news"/.test(text) ? `, telling ${toldIn(text)}` : "";
        return this.#begin(`save ${value}${news}`, () => this.disk.set(name, text));
      },
      remove: (name) => this.#begin("remove", () => this.disk.delete(name)),
    },
    read: (name) => {
      const value = this.live.get(name);
      return value === undefined ? undefined : text(value);
    },
    nameOf: (name) => this.names.get(name),
    restore: (name, kept) => {
      if (kept === undefined) this.live.delete(name);
      else this.live.set(name, Number(/"value":(\d+)/.exec(kept)?.[1]));
    },
    position: () => ({ journal: "journal", run: "run", sequence: this.journal.length }),
    publish: async (event) => {
      const { detail } = event as LifecycleEvent;
      if (this.holdsEvents) await this.#begin(`tell ${detail}`, () => {});
      this.journal.push(String(detail));
    },
  });

  /** A change with an event; "kept" or the error's message is written where it is confirmed. */
  change(value: number | undefined): { result: string } {
    const confirmation = { result: "waits" };
    if (value === undefined) this.live.delete(uuid);
    else this.live.set(uuid, value);
    this.keeper.tell(event(value ?? 0));
    this.keeper.settle([uuid]).then(
      () => {
        confirmation.result = "kept";
      },
      (error: Error) => {
        confirmation.result = error.message;
      },
    );
    return confirmation;
  }

  /** What the keeper waits for now. */
  async next(what: string): Promise<Work> {
    await turn();
    const [work, ...others] = this.work.splice(0);
    assert.deepEqual([work?.what, others.length], [what, 0]);
    return work as Work;
  }

  async kept(value: number): Promise<void> {
    this.change(value);
    await (await this.next(`save ${value}, telling ${value}`)).end();
    this.journal.length = 0;
  }

  #begin(what: string, apply: () => void): Promise<void> {
    const work = new Work(what, apply);
    this.work.push(work);
    return work.promise;
  }
}

function event(detail: number): DomainEvent {
  return { name: "lifecycle", dom: { name: "one", uuid, id: -1 }, event: 0, detail };
}

function text(value: number): string {
  return `{"value":${value}}\n`;
}

function toldIn(kept: string): string {
  const { news } = JSON.parse(kept) as { news: { events: LifecycleEvent[] } };
  return news.events.map(({ detail }) => detail).join(" ");
}

async function turn(): Promise<void> {
  await new Promise(setImmediate);
}

test("a change is written with its event, then told, then confirmed", async () => {
  const bench = new Bench();
  bench.holdsEvents = true;
  const change = bench.change(1);
  const saving = await bench.next("save 1, telling 1");
  assert.deepEqual([change.result, bench.journal], ["waits", []]);
  await saving.end();
  const telling = await bench.next("tell 1");
  assert.equal(change.result, "waits", "the reply does not overtake the event");
  await telling.end();
  assert.deepEqual([change.result, bench.journal, bench.work], ["kept", ["1"], []]);
});

test("changes that come while one is written go together into the next writing, each told once and in order", async () => {
  const bench = new Bench();
  const [first, second] = [bench.change(1), bench.change(2)];
  const saving = await bench.next("save 2, telling 1 2");
  const [third, fourth] = [bench.change(3), bench.change(4)];
  await saving.end();
  assert.deepEqual([first.result, second.result, third.result, bench.journal], ["kept", "kept", "waits", ["1", "2"]]);
  await (await bench.next("save 4, telling 3 4")).end();
  assert.deepEqual([third.result, fourth.result, bench.journal], ["kept", "kept", ["1", "2", "3", "4"]]);
  await bench.keeper.idle();
});

test("what comes while an event is told waits for the next writing", async () => {
  const bench = new Bench();
  bench.holdsEvents = true;
  bench.change(1);
  await (await bench.next("save 1, telling 1")).end();
  const telling = await bench.next("tell 1");
  const later = bench.change(2);
  await turn();
  assert.deepEqual(bench.work, []);
  await telling.end();
  assert.equal(later.result, "waits");
  await (await bench.next("save 2, telling 2")).end();
});

test("events that lead back to the same state are on disk before the first of them is told", async () => {
  const bench = new Bench();
  await bench.kept(1);
  bench.change(2);
  bench.change(1);
  await (await bench.next("save 1, telling 2 1")).end();
  bench.change(2);
  bench.change(undefined);
  bench.live.set(uuid, 1);
  await (await bench.next("save 1, telling 2 0")).end();
  assert.deepEqual([bench.journal, bench.work], [["2", "1", "2", "0"], []]);
});

test("settling what has not changed writes nothing", async () => {
  const bench = new Bench();
  await bench.kept(1);
  await bench.keeper.settle([uuid, "another"]);
  assert.deepEqual(bench.work, []);
});

test("a writing that fails takes back the change and all that came after it, and nobody is told", async () => {
  const bench = new Bench();
  await bench.kept(1);
  const first = bench.change(2);
  const saving = await bench.next("save 2, telling 2");
  const second = bench.change(3);
  await saving.fail("ENOSPC");
  assert.equal(bench.live.get(uuid), 1);
  await (await bench.next("save 1")).end();
  for (const { result } of [first, second]) assert.match(result, /cannot be kept, and was taken back: ENOSPC/);
  assert.deepEqual([bench.journal, bench.work], [[], []]);
  const later = bench.change(4);
  await (await bench.next("save 4, telling 4")).end();
  assert.deepEqual([later.result, bench.journal], ["kept", ["4"]]);
});

test("the error says which one the disk gave", async () => {
  const bench = new Bench();
  bench.live.set(uuid, 1);
  const settling = bench.keeper.settle([uuid]);
  const refused = assert.rejects(settling, { code: ErrorCode.systemError, int1: 28 });
  await (await bench.next("save 1")).fail("ENOSPC");
  await (await bench.next("remove")).end();
  await refused;
  assert.equal(bench.live.has(uuid), false);
});

test("a change that failed when the disk had it already is taken back there, now or with the next change", async () => {
  for (const canTakeBack of [true, false]) {
    const bench = new Bench();
    await bench.kept(1);
    const change = bench.change(2);
    await (await bench.next("save 2, telling 2")).fail("EIO", true);
    const back = await bench.next("save 1");
    if (canTakeBack) await back.end();
    else await back.fail("EIO");
    assert.match(change.result, /taken back/);
    const settling = bench.keeper.settle([uuid]);
    if (!canTakeBack) await (await bench.next("save 1")).end();
    await settling;
    assert.deepEqual([bench.disk.get(uuid), bench.work], [text(1), []]);
  }
});

test("a new domain that failed when the disk had it already does not stay there", async () => {
  const bench = new Bench();
  const change = bench.change(1);
  await (await bench.next("save 1, telling 1")).fail("EIO", true);
  await (await bench.next("remove")).fail("EIO");
  assert.match(change.result, /taken back/);
  const settling = bench.keeper.settle([uuid]);
  await (await bench.next("remove")).end();
  await settling;
  assert.deepEqual([bench.disk.size, bench.live.size, bench.journal, bench.work], [0, 0, [], []]);
});

test("a change during the taking back is written after it", async () => {
  const bench = new Bench();
  await bench.kept(1);
  bench.change(2);
  await (await bench.next("save 2, telling 2")).fail("ENOSPC");
  const back = await bench.next("save 1");
  const later = bench.change(3);
  await back.end();
  await (await bench.next("save 3, telling 3")).end();
  assert.deepEqual([later.result, bench.journal], ["kept", ["3"]]);
});

test("of a domain that is gone the news stay until they are told", async () => {
  const bench = new Bench();
  await bench.kept(1);
  bench.holdsEvents = true;
  const change = bench.change(undefined);
  await (await bench.next("save gone, telling 0")).end();
  const { guest, news } = readKept(bench.disk.get(uuid) ?? "", uuid);
  assert.deepEqual([guest, news?.events.length], [undefined, 1]);
  const telling = await bench.next("tell 0");
  assert.equal(change.result, "waits");
  await telling.end();
  assert.equal(change.result, "kept");
  await (await bench.next("remove")).end();
  assert.deepEqual([bench.disk.size, bench.journal], [0, ["0"]]);
});

test("undefined during a writing, and defined again during the next, it is there once and told of three times", async () => {
  const bench = new Bench();
  const first = bench.change(1);
  const saving = await bench.next("save 1, telling 1");
  const undefining = bench.change(undefined);
  await saving.end();
  const removing = await bench.next("save gone, telling 0");
  assert.deepEqual([first.result, undefining.result], ["kept", "waits"]);
  const again = bench.change(2);
  await removing.end();
  await (await bench.next("save 2, telling 2")).end();
  assert.deepEqual([undefining.result, again.result, bench.journal], ["kept", "kept", ["1", "0", "2"]]);
  assert.match(bench.disk.get(uuid) ?? "", /"value":2/);
});

test("a full disk does not keep a domain alive", async () => {
  const bench = new Bench();
  await bench.kept(1);
  const change = bench.change(undefined);
  await (await bench.next("save gone, telling 0")).fail("ENOSPC");
  await (await bench.next("remove")).end();
  assert.deepEqual([change.result, bench.journal, bench.disk.size], ["kept", ["0"], 0]);
});

test("news that the journal does not take stay on disk, with those that follow", async () => {
  const bench = new Bench();
  bench.holdsEvents = true;
  const change = bench.change(1);
  await (await bench.next("save 1, telling 1")).end();
  await (await bench.next("tell 1")).fail("ENOSPC");
  assert.equal(change.result, "kept");
  const gone = bench.change(undefined);
  await (await bench.next("save gone, telling 1 0")).end();
  await (await bench.next("tell 0")).fail("ENOSPC");
  assert.deepEqual([gone.result, bench.work], ["kept", []]);
  bench.change(2);
  await (await bench.next("save 2, telling 1 0 2")).end();
  await (await bench.next("tell 2")).end();
  bench.change(3);
  await (await bench.next("save 3, telling 3")).end();
});

suite("a name that goes from one domain to another", () => {
  /** Saves and removals, in the order in which the disk is asked for them. */
  async function orderOf(change: (bench: Bench) => void): Promise<string[]> {
    const bench = new Bench();
    for (const [at, name] of ["x", "y"].entries()) {
      const owner = `owner of ${name}`;
      bench.names.set(owner, name);
      bench.live.set(owner, at + 1);
      bench.keeper.adopt(owner, text(at + 1));
    }
    change(bench);
    const order: string[] = [];
    for (await turn(); bench.work.length > 0; await turn()) {
      for (const work of bench.work.splice(0)) {
        order.push(work.what);
        await work.end();
      }
    }
    await bench.keeper.idle();
    return order;
  }

  function become(bench: Bench, who: string, value: number | undefined, name: string | undefined): void {
    if (value === undefined) bench.live.delete(who);
    else bench.live.set(who, value);
    if (name === undefined) bench.names.delete(who);
    else bench.names.set(who, name);
  }

  const settle = (bench: Bench, ...uuids: string[]): void => void bench.keeper.settle(uuids);

  test("is on disk with the second when the first has been renamed there, whichever is asked for first", async () => {
    for (const uuids of [
      ["owner of x", "new"],
      ["new", "owner of x"],
    ]) {
      const order = await orderOf((bench) => {
        become(bench, "owner of x", 10, "z");
        become(bench, "new", 20, "x");
        settle(bench, ...uuids);
      });
      assert.deepEqual(order, ["save 10", "save 20"]);
    }
  });

  test("is on disk with the second when the first is gone there", async () => {
    const order = await orderOf((bench) => {
      become(bench, "owner of x", undefined, undefined);
      become(bench, "new", 20, "x");
      settle(bench, "new", "owner of x");
    });
    assert.deepEqual(order, ["remove", "save 20"]);
  });

  test("goes along a row of domains, from its end", async () => {
    const order = await orderOf((bench) => {
      become(bench, "owner of y", 12, "z");
      become(bench, "owner of x", 11, "y");
      become(bench, "new", 20, "x");
      settle(bench, "new", "owner of x", "owner of y");
    });
    assert.deepEqual(order, ["save 12", "save 11", "save 20"]);
  });

  test("keeps nobody waiting for ever when two exchange theirs", async () => {
    const order = await orderOf((bench) => {
      become(bench, "owner of y", 12, "x");
      become(bench, "owner of x", 11, "y");
      settle(bench, "owner of x", "owner of y");
    });
    assert.deepEqual(order.toSorted(), ["save 11", "save 12"]);
  });
});
