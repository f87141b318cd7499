import { Operations } from "../../../src/driver/xen/operations.ts";
import { endings } from "../../../src/driver/xen/run.ts";
import type { RunRecord } from "../../../src/driver/xen/run-record.ts";
import type { Domain } from "../../../src/model/index.ts";
import { type DomainEvent, ErrorCode, VirError } from "../../../src/protocol/index.ts";
import type { AsyncSim } from "../../../src/testkit/index.ts";
import { DriverWorld } from "../explored-world.ts";
import { FakeXen } from "./fake-xen.ts";

export const uuid = "04c6774c-a016-4ca7-8d75-9930f0bbbd69";
export const others = "14c6774c-a016-4ca7-8d75-9930f0bbbd69";
const xml =
  `<domain type='xen'><name>hello</name><uuid>${uuid}</uuid><memory>16384</memory>` +
  "<os><type>linux</type><kernel>/k</kernel></os></domain>";

export const [started, suspended, resumed, stopped] = [2, 3, 4, 5];

/** A driver before a Xen whose calls, answers and events come in any order; at the end nothing is left. */
export class XenWorld extends DriverWorld<RunRecord> {
  readonly xen: FakeXen;
  operations: Operations;
  #isNewsComing = false;
  #check: () => void = () => {};
  /** Lifecycle events of each guest, as "event/detail" with the number of its domain. */
  readonly told = new Map<string, { readonly id: number; readonly event: number; readonly detail: number }[]>();

  constructor(sim: AsyncSim) {
    super(sim);
    this.xen = new FakeXen({
      turn: async (what) => {
        if (!this.isCalm) await sim.step(what);
      },
      later: (what, act) => {
        if (this.isCalm) {
          this.loop.post(act);
          return;
        }
        // All that news says is that there is some: what is on its way already says it, too.
        const isNews = what === "news";
        if (isNews && this.#isNewsComing) return;
        if (isNews) this.#isNewsComing = true;
        sim.spawn(what, async () => {
          if (isNews) this.#isNewsComing = false;
          this.loop.post(act);
        });
      },
    });
    this.operations = new Operations({
      loop: this.loop,
      xen: this.xen,
      news: this.xen.asNews,
      predecessors: Promise.resolve(),
      store: this.store,
      records: this.records,
      freePort: async (first) => first,
      publish: (event) => this.hear(event),
      directories: { save: "/none", dump: "/none", autostart: "/none", run: "/none" },
      report: (error) => this.heedReport(error),
    });
    sim.atEnd(() => this.#checkEnd());
  }

  get domain(): Domain {
    return this.operations.guests.domains.byUuid(uuid);
  }

  /** As Saves does it, without files. */
  async save(domain: Domain): Promise<void> {
    const { guests } = this.operations;
    const meant = domain.incarnation;
    await guests.atLength(domain, "save", {}, async () => {
      const run = guests.runFor(domain, meant);
      await this.xen.save(run.domid, "/dev/null");
      if (run.hasEnded) throw VirError.of(ErrorCode.operationInvalid, 41, "it has ended");
      await guests.end(run, endings.saved);
    });
  }

  /** Looks at it all when the last actor has ended, before it is cleared away. */
  whenDone(check: () => void): void {
    this.#check = check;
  }

  protected async setUp(): Promise<Domain> {
    await this.operations.guests.load();
    await this.operations.define(xml, {});
    const { domain } = this;
    await this.operations.start(domain, {}, {});
    return domain;
  }

  /** What has been begun comes to its end first. */
  protected async clearAway(): Promise<void> {
    const { guests } = this.operations;
    this.#check();
    if (guests.isClosed) return this.#forget();
    for (const id of this.xen.ids) if (this.xen.list.get(id)?.info.uuid === others) this.xen.remove(id);
    await guests.reconcile();
    for (const domain of guests.domains) {
      if (domain.id === 0) continue;
      await guests.exclusively(domain, "wait", { deadline: Number.POSITIVE_INFINITY }, async () => {}).catch(() => {});
      if (domain.incarnation !== undefined) await this.operations.destroy(domain, {}).catch(() => {});
    }
    await guests.close();
  }

  /** What runs on when the driver is closed. */
  #forget(): void {
    for (const id of this.xen.ids) this.xen.remove(id);
    this.kept.clear();
    this.told.clear();
  }

  /** What others have taken away may be missed by whoever was about to look at it; all else is ours. */
  heedReport(error: unknown): void {
    // By name: a mutant has classes of its own. A Failure is the explorer's, and has been told.
    const known = ["VirError", "LibxlError", "StateError", "Failure"];
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    if (!(cause instanceof Error && known.includes(cause.name))) this.fail(`reported: ${String(error)}`);
  }

  /** Everybody is told. */
  protected hear(event: DomainEvent): undefined {
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
    const power = list.slice(0, -1).findLast((each) => [started, suspended, resumed, stopped].includes(each.event));
    if ((what === suspended && power?.event === suspended) || (what === resumed && power?.event !== suspended))
      this.fail(`told twice, or out of order: ${this.#shown(list)}`);
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
    if (this.xen.ids.length > 0) this.fail("a domain is left");
    if (this.xen.watchers > 0) this.fail("a watch is left");
    for (const [, list] of this.told) {
      const last = list.findLast((each) => each.event === started || each.event === stopped);
      if (last?.event === started) this.fail(`an end was not told: ${this.#shown(list)}`);
    }
  }
}
