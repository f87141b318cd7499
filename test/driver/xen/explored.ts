import { Operations } from "../../../src/driver/xen/operations.ts";
import { endings, type Run } from "../../../src/driver/xen/run.ts";
import type { RunRecord } from "../../../src/driver/xen/run-record.ts";
import type { Definition, Domain } from "../../../src/model/index.ts";
import { type DomainEvent, ErrorCode, VirError } from "../../../src/protocol/index.ts";
import type { AsyncSim } from "../../../src/testkit/index.ts";
import { AsyncWorld } from "../../../src/testkit/scenarios/async-world.ts";
import { FakeXen } from "./fake-xen.ts";

export interface Explored {
  readonly name: string;
  readonly about: string;
  readonly subject: (sim: AsyncSim) => void;
}

const uuid = "04c6774c-a016-4ca7-8d75-9930f0bbbd69";
const others = "14c6774c-a016-4ca7-8d75-9930f0bbbd69";
const xml =
  `<domain type='xen'><name>hello</name><uuid>${uuid}</uuid><memory>16384</memory>` +
  "<os><type>linux</type><kernel>/k</kernel></os></domain>";

const [started, stopped] = [2, 5];

/** A driver before a Xen whose calls, answers and events come in any order; at the end nothing is left. */
class XenWorld extends AsyncWorld {
  readonly xen: FakeXen;
  readonly operations: Operations;
  /** Lifecycle events of each guest, as "event/detail" with the number of its domain. */
  readonly told = new Map<string, { readonly id: number; readonly event: number; readonly detail: number }[]>();
  readonly #records = new Map<string, RunRecord>();
  readonly #stored = new Map<string, Definition>();
  #atWork = 0;

  constructor(sim: AsyncSim) {
    super(sim);
    this.xen = new FakeXen({
      turn: (what) => sim.step(what),
      later: (what, act) => {
        sim.spawn(what, async () => {
          await sim.step(what);
          this.loop.post(act);
        });
      },
    });
    this.operations = new Operations({
      loop: this.loop,
      xen: this.xen,
      news: {
        subscribe: (listener) => {
          this.xen.news.add(listener);
          return () => this.xen.news.delete(listener);
        },
      },
      store: {
        load: async () => ({ definitions: [], unreadable: [] }),
        save: async (definition) => void this.#stored.set(definition.uuid, definition),
        remove: async (which) => void this.#stored.delete(which),
      },
      records: {
        write: (record) => void this.#records.set(record.definition.uuid, record),
        remove: (which) => void this.#records.delete(which),
        readAll: () => [],
        close: () => {},
      },
      freePort: async (first) => first,
      publish: (event) => this.#hear(event),
      directories: { save: "/none", dump: "/none", autostart: "/none", run: "/none" },
      // What others have taken away may be missed by whoever was about to look at it; all else is ours.
      report: (error) => {
        // By name: a mutant has classes of its own. A Failure is the explorer's, and has been told.
        const known = ["VirError", "LibxlError", "StateError", "Failure"];
        const cause = error instanceof Error ? (error.cause ?? error) : error;
        if (!(cause instanceof Error && known.includes(cause.name))) this.fail(`reported: ${String(error)}`);
      },
    });
    sim.atEnd(() => this.#checkEnd());
  }

  get domain(): Domain {
    return this.operations.guests.domains.byUuid(uuid);
  }

  get run(): Run {
    return this.operations.guests.runOf(this.domain) ?? this.fail("it does not run");
  }

  /** A domain that runs; then the actors, together, and when the last has ended everything is closed. */
  begin(...actors: readonly [name: string, body: (domain: Domain) => Promise<void>][]): void {
    this.sim.spawn("setting up", async () => {
      await this.operations.define(xml, {});
      const { domain } = this;
      await this.operations.start(domain, {}, {});
      for (const [name, body] of actors) this.#actor(name, () => body(domain));
    });
  }

  #actor(name: string, body: () => Promise<void>): void {
    this.#atWork++;
    this.sim.spawn(name, async () => {
      await this.sim.step("ask");
      await body();
      if (--this.#atWork > 0) return;
      await this.#end();
    });
  }

  /** What has been begun comes to its end first. */
  async #end(): Promise<void> {
    const { guests } = this.operations;
    for (const id of this.xen.ids) if (this.xen.list.get(id)?.info.uuid === others) this.xen.remove(id);
    await guests.reconcile();
    for (const domain of guests.domains) {
      if (domain.id === 0) continue;
      await guests.exclusively(domain, "wait", { deadline: Number.POSITIVE_INFINITY }, async () => {}).catch(() => {});
      if (domain.incarnation !== undefined) await this.operations.destroy(domain, {}).catch(() => {});
    }
    await guests.close();
    await this.loop.close();
  }

  #hear(event: DomainEvent): undefined {
    if (event.name !== "lifecycle") return;
    const { dom, event: what, detail } = event;
    const list = this.told.get(dom.uuid) ?? [];
    this.told.set(dom.uuid, list);
    list.push({ id: dom.id, event: what, detail });
    const last = list.findLast((each) => each.event === started || each.event === stopped);
    const before = list.slice(0, -1).findLast((each) => each.event === started || each.event === stopped);
    if (what === started && before?.event === started) this.fail(`a start before the end: ${this.#shown(list)}`);
    if (what === stopped && before?.event !== started) this.fail(`an end without a start: ${this.#shown(list)}`);
    if (what === stopped && last !== undefined && before?.id !== dom.id)
      this.fail(`another's end: ${this.#shown(list)}`);
    if (what > 2 && what < 5 && last?.event !== started) this.fail(`told of a dead run: ${this.#shown(list)}`);
  }

  #shown(list: readonly { readonly id: number; readonly event: number; readonly detail: number }[]): string {
    return list.map(({ id, event, detail }) => `${event}/${detail}(${id})`).join(" ");
  }

  /** What the ends of our guest were. */
  get ends(): number[] {
    return (this.told.get(uuid) ?? []).flatMap(({ event, detail }) => (event === stopped ? [detail] : []));
  }

  #checkEnd(): void {
    if (this.#records.size > 0) this.fail("a record is left");
    if (this.xen.ids.length > 0) this.fail("a domain is left");
    if (this.xen.watchers > 0) this.fail("a watch is left");
    for (const [, list] of this.told) {
      const last = list.findLast((each) => each.event === started || each.event === stopped);
      if (last?.event === started) this.fail(`an end was not told: ${this.#shown(list)}`);
    }
  }
}

/** "done", or the number of the error. */
async function outcome(work: () => Promise<unknown>): Promise<number | "done"> {
  try {
    await work();
    return "done";
  } catch (error) {
    if (error instanceof VirError || (error as { code?: unknown }).code !== undefined)
      return (error as { code: number }).code;
    throw error;
  }
}

export const explored: readonly Explored[] = [
  {
    name: "destroyed and powering off",
    about: "a guest is destroyed while it powers off: one end, told once, whichever it is",
    subject(sim) {
      const world = new XenWorld(sim);
      world.begin(
        [
          "destroy",
          async (domain) => {
            const result = await outcome(() => world.operations.destroy(domain, {}));
            if (result !== "done" && result !== ErrorCode.operationInvalid) world.fail(`destroy: ${result}`);
            if (world.ends.length !== 1) world.fail(`told ${world.ends.length} ends`);
          },
        ],
        [
          "guest",
          async () => {
            if (world.xen.list.has(1)) world.xen.end(1, "poweroff");
          },
        ],
      );
    },
  },
  {
    name: "destroyed and rebooting",
    about: "a guest is destroyed while it reboots: it is gone for good, or the next run is",
    subject(sim) {
      const world = new XenWorld(sim);
      world.begin(
        [
          "destroy",
          async (domain) => {
            const result = await outcome(() => world.operations.destroy(domain, {}));
            if (result === "done" && domain.incarnation !== undefined) world.fail(`it runs as ${domain.id}`);
          },
        ],
        [
          "guest",
          async () => {
            if (world.xen.list.has(1)) world.xen.end(1, "reboot");
          },
        ],
      );
    },
  },
  {
    name: "rebooting, and waited for",
    about: "a call that has waited since the run before does not touch the next one",
    subject(sim) {
      const world = new XenWorld(sim);
      world.begin(
        [
          "suspend",
          async (domain) => {
            const meant = domain.id;
            const result = await outcome(() => world.operations.suspend(domain, {}));
            if (result === "done" && meant === 1 && domain.id === 2 && world.xen.list.get(2)?.info.paused === true)
              world.fail("the run after the one that was meant is paused");
          },
        ],
        [
          "guest",
          async () => {
            if (world.xen.list.has(1)) world.xen.end(1, "reboot");
          },
        ],
      );
    },
  },
  {
    name: "taken away and its number used again",
    about: "others destroy the guest and make one of theirs with its number: ours has ended, theirs is let be",
    subject(sim) {
      const world = new XenWorld(sim);
      world.begin(
        ["suspend", async (domain) => void (await outcome(() => world.operations.suspend(domain, {})))],
        [
          "others",
          async () => {
            const old = world.xen.list.get(1);
            // Whoever watches does not hear of it: the look at the list does.
            if (sim.choose(2) === 1) old?.watchers.clear();
            world.xen.remove(1);
            world.xen.nextId = 1;
            world.xen.make("theirs", others);
            await world.operations.guests.reconcile();
            if (world.operations.guests.runOf(world.domain)?.domid === 1)
              world.fail("the number is taken for the guest");
          },
        ],
      );
    },
  },
  {
    name: "started and taken away",
    about: "others destroy a domain while it starts: the start fails, or the guest has started and ended",
    subject(sim) {
      const world = new XenWorld(sim);
      world.begin([
        "again",
        async (domain) => {
          await outcome(() => world.operations.destroy(domain, {}));
          sim.spawn("others", async () => {
            await sim.until("there is one", () => world.xen.list.has(2) || domain.jobs.isIdle);
            await sim.step("destroy it");
            world.xen.remove(2);
          });
          await outcome(() => world.operations.start(domain, {}, {}));
        },
      ]);
    },
  },
  {
    name: "saved and powering off",
    about: "a guest powers off while it is saved: one end, and the suspending of a save is none",
    subject(sim) {
      const world = new XenWorld(sim);
      const { guests } = world.operations;
      const powersOff = sim.choose(2) === 1;
      world.begin(
        [
          "save",
          async (domain) => {
            const meant = domain.incarnation;
            const result = await outcome(() =>
              guests.atLength(domain, "save", {}, async () => {
                const run = guests.runFor(domain, meant);
                await world.xen.save(run.domid, "/dev/null");
                if (run.hasEnded) throw VirError.of(ErrorCode.operationInvalid, 41, "it has ended");
                await guests.end(run, endings.saved);
              }),
            );
            if (world.ends.length > 1) world.fail(`told ${world.ends.length} ends`);
            if (!powersOff && (result !== "done" || world.ends[0] !== 4)) {
              world.fail(`the save ended with ${result}, and told ${world.ends.join()}`);
            }
          },
        ],
        [
          "guest",
          async () => {
            if (!powersOff) return;
            if (world.xen.list.get(1)?.info.shutdown === false) world.xen.end(1, "poweroff");
          },
        ],
      );
    },
  },
  {
    name: "undefined and started",
    about: "a domain is undefined while it is started: it runs as a transient one, or is not there",
    subject(sim) {
      const world = new XenWorld(sim);
      world.begin([
        "both",
        async (domain) => {
          await outcome(() => world.operations.destroy(domain, {}));
          const work = [
            () => outcome(async () => world.operations.undefine(domain, {})),
            () => outcome(async () => world.operations.start(domain, {}, {})),
          ];
          if (sim.choose(2) === 1) work.reverse();
          const results = await Promise.all(work.map((each) => each()));
          const isThere = domain.incarnation !== undefined;
          if (!isThere && !results.includes(ErrorCode.noDomain))
            world.fail(`neither runs nor is refused: ${results.join()}`);
          if (isThere && domain.persistent !== undefined) world.fail("it is defined still");
        },
      ]);
    },
  },
];
