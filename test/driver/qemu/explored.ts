import { asMigration, writeMemory } from "../../../src/driver/qemu/memory-stream.ts";
import { Operations } from "../../../src/driver/qemu/operations.ts";
import type { RunRecord } from "../../../src/driver/qemu/run-record.ts";
import type { Domain } from "../../../src/model/index.ts";
import { ErrorCode, VirError } from "../../../src/protocol/index.ts";
import type { AsyncSim } from "../../../src/testkit/index.ts";
import { FakeQemu } from "../../qmp/fake-qemu.ts";
import { DriverWorld, type Explored, outcome, together } from "../explored-world.ts";
import { FakeProcess } from "./fake-host.ts";

const uuid = "04c6774c-a016-4ca7-8d75-9930f0bbbd69";
const xml = `<domain type='qemu'><name>hello</name><uuid>${uuid}</uuid><memory>1024</memory><os><type>hvm</type></os></domain>`;

/** A QEMU as an actor of its own: it answers, ends and dies in steps, between which anything else may happen. */
class QemuActor {
  readonly process: FakeProcess;
  readonly transport: FakeQemu;
  /** Of what it was asked, and has not answered. */
  readonly #asked: { readonly execute: string; readonly id: number }[] = [];
  readonly #world: QemuWorld;
  /** As by SIGSTOP. */
  isStopped = false;
  isLeaving = false;

  constructor(world: QemuWorld, pid: number) {
    this.#world = world;
    const { loop } = world;
    this.process = new FakeProcess(loop, pid);
    this.transport = new FakeQemu(loop);
    this.transport.onOpen = () => loop.post(() => this.transport.greet());
    this.transport.onCommand = (command) => void this.#asked.push(command);
    this.process.onSignal = (signal) => this.#signal(signal);
    world.sim.spawn(`QEMU ${pid}`, () => this.#live());
  }

  get #isOver(): boolean {
    return this.process.hasEnded || this.transport.closed;
  }

  /** Its signs of ending come in whatever order: that it says so, its monitor's end, its own. */
  leave(says: boolean): void {
    if (this.isLeaving) return;
    this.isLeaving = true;
    const { sim, loop } = this.#world;
    sim.spawn("QEMU leaves", async () => {
      await sim.step("it goes");
      if (says) loop.post(() => this.transport.event("SHUTDOWN", { guest: false, reason: "host-signal" }));
      const signs = [() => this.transport.hangUp(), () => this.process.exit({ code: 0 })];
      if (sim.choose(2) === 1) signs.reverse();
      for (const sign of signs) {
        await sim.step("a sign of its end");
        sign();
      }
    });
  }

  #signal(signal: string): void {
    if (signal === "SIGKILL") this.isStopped = false;
    if (!this.isStopped) this.leave(signal === "SIGTERM");
  }

  async #live(): Promise<void> {
    const { sim, loop } = this.#world;
    const isReady = (): boolean => this.#isOver || (!this.isStopped && this.#asked.length > 0) || this.#world.isOver;
    for (;;) {
      await sim.until("it answers", isReady);
      const command = this.#asked.shift();
      if (command === undefined || this.#isOver) return;
      loop.post(() => this.#answer(command));
    }
  }

  #answer({ execute, id }: { readonly execute: string; readonly id: number }): void {
    const { transport } = this;
    if (execute === "cont") transport.event("RESUME");
    if (execute === "stop") transport.event("STOP");
    if (execute === "migrate") transport.event("MIGRATION", { status: "completed" });
    if (execute === "query-migrate") transport.reply({ status: "completed" }, id);
    else transport.reply({ answered: execute }, id);
  }
}

/** A driver before QEMUs that are actors; at the end every end has been told once, and nothing is left. */
class QemuWorld extends DriverWorld<RunRecord> {
  readonly qemus: QemuActor[] = [];
  readonly told: string[] = [];
  readonly operations: Operations;
  isOver = false;

  constructor(sim: AsyncSim) {
    super(sim);
    this.operations = new Operations({
      loop: this.loop,
      startTimeoutMs: 60_000,
      terminateMs: 10_000,
      host: {
        launch: () => this.#launch(),
        find: () => undefined,
        launchCompanion: () => this.fail("there are no companions"),
        findCompanion: () => undefined,
        connect: () => this.fail("there is no agent"),
      },
      store: this.store,
      records: {
        ...this.records,
        channelDirectory: () => "/channels",
        monitorPath: () => "/monitor",
        checkFree: () => {},
      },
      directories: { save: "/none", dump: "/none", autostart: "/none", run: "/none" },
      complete: () => {},
      partsOptions: () => ({ directory: "/run", stateDirectory: "/state", nowMs: 0 }),
      plan: async (definition) => ({ binary: "qemu", args: [], monitorPath: "/monitor", logPath: "/log", definition }),
      publish: (event) => {
        if (event.name === "lifecycle") this.#hear(`${event.event}/${event.detail}`);
        return undefined;
      },
      report: (error) => this.fail(`reported: ${String(error)}`),
    });
    sim.atEnd(() => this.#checkEnd());
  }

  get last(): QemuActor {
    return this.qemus.at(-1) ?? this.fail("there is no QEMU");
  }

  get domain(): Domain {
    return this.operations.guests.domains.byUuid(uuid);
  }

  protected async setUp(): Promise<Domain> {
    await this.operations.define(xml, {});
    const { domain } = this;
    await this.operations.start(domain, {}, {});
    this.told.length = 0;
    return domain;
  }

  protected async clearAway(): Promise<void> {
    for (const domain of this.operations.guests.domains)
      if (domain.incarnation !== undefined) await ignored(this.operations.destroy(domain, false, {}));
    await this.operations.guests.close();
    this.isOver = true;
  }

  /** Time as an actor: it goes on by so much, so many times. */
  clock(step: number, times: number): void {
    this.sim.spawn("clock", async () => {
      for (let count = 0; count < times && !this.isOver; count++) {
        await this.sim.step(`${step} ms pass`);
        this.host.advance(step);
      }
    });
  }

  async #launch(): Promise<QemuActor & { lastWords(): string }> {
    const qemu = new QemuActor(this, 1_000 + this.qemus.length);
    this.qemus.push(qemu);
    await this.sim.step("QEMU is launched");
    return Object.assign(qemu, { lastWords: () => "" });
  }

  #hear(event: string): void {
    this.told.push(event);
    if (event.startsWith("5/") && !this.last.process.hasEnded) this.fail("an end is told, and the process lives");
  }

  #checkEnd(): void {
    for (const { process, transport } of this.qemus) {
      if (!process.isClosed || process.isWatched || !transport.closed) this.fail("a QEMU is left");
      if (transport.sentAfterClose > 0) this.fail("something was sent after the end");
    }
  }

  /** Of the run that there was at the beginning. */
  expectOneEnd(): void {
    const ends = this.told.filter((event) => event.startsWith("5/"));
    if (ends.length !== 1) this.fail(`told ${ends.length} ends: ${this.told.join(" ")}`);
    if (this.told.at(-1) !== ends[0]) this.fail(`something is told after the end: ${this.told.join(" ")}`);
  }
}

function ignored(work: Promise<unknown>): Promise<unknown> {
  return work.catch(() => {});
}

export const explored: readonly Explored[] = [
  {
    name: "destroyed and dying",
    about: "a guest is destroyed while its QEMU dies by itself, in any order of signs: one end, told once",
    subject(sim) {
      const world = new QemuWorld(sim);
      world.begin(
        [
          "destroy",
          async (domain) => {
            const result = await outcome(world.operations.destroy(domain, false, {}));
            if (result !== "done" && result !== ErrorCode.operationInvalid) world.fail(`destroy: ${result}`);
            world.expectOneEnd();
          },
        ],
        [
          "death",
          async () => {
            world.last.leave(sim.choose(2) === 1);
          },
        ],
      );
    },
  },
  {
    name: "closed with a command pending",
    about: "the monitor ends while a command waits for its answer: the caller hears of it at once",
    subject(sim) {
      const world = new QemuWorld(sim);
      world.begin([
        "suspend",
        async (domain) => {
          world.last.isStopped = true;
          const suspended = outcome(world.operations.suspend(domain, { deadline: Number.POSITIVE_INFINITY }));
          world.last.leave(false);
          if ((await suspended) === "done") world.fail("a dead QEMU has answered");
        },
      ]);
    },
  },
  {
    name: "a late answer",
    about: "an answer comes after its deadline: it is not that of the next command",
    subject(sim) {
      const world = new QemuWorld(sim);
      world.begin([
        "two commands",
        async (domain) => {
          const run = world.operations.guests.runOf(domain) ?? world.fail("it does not run");
          world.last.isStopped = true;
          const first = run.execute("query-name", {}, 100).catch(() => "late");
          world.clock(100, 1);
          await first;
          world.last.isStopped = false;
          const second = (await run.execute("query-uuid", {}, 60_000)) as { answered: string };
          if (second.answered !== "query-uuid") world.fail(`query-uuid is answered with ${second.answered}`);
        },
      ]);
    },
  },
  {
    name: "ended and started again",
    about: "a call that has waited since the run before does not touch the next one",
    subject(sim) {
      const world = new QemuWorld(sim);
      world.begin(
        [
          "again",
          async (domain) => {
            const destroyed = outcome(world.operations.destroy(domain, false, {}));
            await Promise.all([destroyed, outcome(world.operations.start(domain, {}, {}))]);
            if (domain.id !== 2) world.fail(`it runs as ${domain.id}`);
          },
        ],
        [
          "suspend",
          async (domain) => {
            const meant = domain.incarnation;
            const result = await outcome(world.operations.suspend(domain, {}));
            if (result === "done" && meant?.id === 1 && domain.id === 2 && domain.status.state === 3)
              world.fail("the run after the one that was meant is paused");
          },
        ],
      );
    },
  },
  {
    name: "saved and shut down",
    about: "a guest powers off while it is saved: it is told as one of the two, and a save tells no shutdown",
    subject(sim) {
      const world = new QemuWorld(sim);
      const { guests } = world.operations;
      world.begin(
        [
          "save",
          async (domain) => {
            const saved = guests.onRunAtLength(domain, "save", {}, async (run) => {
              await run.power.suspend(60_000, 3);
              await writeMemory(run, 3, asMigration, world.loop, () => {});
              if (run.isShutDown) throw VirError.of(ErrorCode.operationInvalid, 10, "it is shut down");
              await run.end({ reason: 5, detail: 4 });
            });
            const result = await outcome(saved);
            sim.atEnd(() => {
              world.expectOneEnd();
              const isSaved = world.told.includes("5/4");
              if (isSaved !== (result === "done")) world.fail(`${result}, and told ${world.told.join(" ")}`);
              if (isSaved && world.told.some((event) => event.startsWith("6/")))
                world.fail(`a save is told as a shutdown: ${world.told.join(" ")}`);
            });
          },
        ],
        [
          "guest",
          async () => {
            if (sim.choose(2) === 1 && world.told.length === 0)
              world.loop.post(() => world.last.transport.event("SHUTDOWN", { guest: true }));
          },
        ],
      );
    },
  },
  {
    name: "undefined and started",
    about: "a domain is undefined while it is started: it runs as a transient one, or is not there",
    subject(sim) {
      const world = new QemuWorld(sim);
      world.begin([
        "both",
        async (domain) => {
          await outcome(world.operations.destroy(domain, false, {}));
          const results = await together(
            sim,
            () => outcome(() => world.operations.undefine(domain, {})),
            () => outcome(() => world.operations.start(domain, {}, {})),
          );
          const isThere = domain.incarnation !== undefined;
          if (!isThere && !results.includes(ErrorCode.noDomain))
            world.fail(`neither runs nor is refused: ${results.join()}`);
          if (isThere && domain.persistent !== undefined) world.fail("it is defined still");
        },
      ]);
    },
  },
  {
    name: "a stopped QEMU",
    about: "a QEMU does not answer any more: calls on it end by their deadline, and it can be destroyed",
    subject(sim) {
      const world = new QemuWorld(sim);
      world.begin([
        "calls",
        async (domain) => {
          world.last.isStopped = true;
          world.clock(5_000, 1);
          const result = await outcome(world.operations.suspend(domain, { deadline: 5_000 }));
          if (result !== ErrorCode.operationTimeout) world.fail(`suspend: ${result}`);
          if (sim.choose(2) === 1) world.last.isStopped = false;
          const destroying = outcome(world.operations.destroy(domain, false, {}));
          world.clock(10_000, 1);
          const destroyed = await destroying;
          if (destroyed !== "done") world.fail(`destroy: ${destroyed}`);
          world.expectOneEnd();
        },
      ]);
    },
  },
];
