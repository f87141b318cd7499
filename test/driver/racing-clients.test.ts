import { suite, test } from "node:test";
import { Daemon } from "../../src/daemon/index.ts";
import type { Driver, DriverProcedures } from "../../src/driver/driver.ts";
import { localContext } from "../../src/driver/local-context.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import { type Domain, Lifecycle, remote, VirError } from "../../src/protocol/index.ts";
import { Connection, pairInMemory } from "../../src/rpc/index.ts";
import type { AsyncSim } from "../../src/testkit/index.ts";
import { checkSchedules, ScheduledWorld } from "../rpc/scheduled-world.ts";

/** "run" is domainCreateXml: a new run, of a domain that need not be defined. */
type Operation = "define" | "undefine" | "create" | "destroy" | "run";

/** Something that one client did: its result, and when it was asked for and answered. */
interface Done {
  readonly operation: Operation;
  readonly uuid: string;
  readonly result: "done" | "refused";
  readonly asked: number;
  readonly answered: number;
}

const name = "contested";
const uuids = ["00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"] as const;

/** What a hypervisor is to do with one name: at most one domain has it. */
class Model {
  #domain: { readonly uuid: string; persistent: boolean; running: boolean } | undefined;

  get listed(): string {
    return this.#domain === undefined ? "" : `${this.#domain.uuid} ${this.#domain.running ? "runs" : "is off"}`;
  }

  apply(operation: Operation, uuid: string): Done["result"] {
    const domain = this.#domain?.uuid === uuid ? this.#domain : undefined;
    if (operation === "define" || operation === "run") {
      const isTaken = this.#domain !== undefined && domain === undefined;
      if (isTaken || (operation === "run" && domain?.running === true)) return "refused";
      const { persistent = false, running = false } = domain ?? {};
      this.#domain = {
        uuid,
        persistent: persistent || operation === "define",
        running: running || operation === "run",
      };
      return "done";
    }
    if (domain === undefined) return "refused";
    if (operation === "create" ? domain.running : operation === "destroy" && !domain.running) return "refused";
    if (operation === "undefine") domain.persistent = false;
    else domain.running = operation === "create";
    if (!domain.persistent && !domain.running) this.#domain = undefined;
    return "done";
  }
}

/** Whether some order, in which nobody overtakes who was answered before he asked, gives these results and this list. */
function isLinearizable(done: readonly Done[], listed: string, before: readonly Done[] = []): boolean {
  const model = new Model();
  for (const { operation, uuid, result } of before) if (model.apply(operation, uuid) !== result) return false;
  if (done.length === 0) return model.listed === listed;
  const first = done.filter((each) => done.every(({ answered }) => each.asked < answered));
  return first.some((each) =>
    isLinearizable(
      done.filter((other) => other !== each),
      listed,
      [...before, each],
    ),
  );
}

/** The test driver behind a hypervisor that takes its time: each call may wait before it is done, and after. */
function slow(driver: TestDriver, sim: AsyncSim): Driver {
  const handlers = Object.entries(driver.procedures) as [string, (args: never, context: never) => unknown][];
  const slowed = handlers.map(([each, handler]): [string, unknown] => [
    each,
    async (args: never, context: never) => {
      await sim.step(each);
      return handler(args, context);
    },
  ]);
  const procedures = Object.fromEntries(slowed) as DriverProcedures;
  const { features, journal } = driver;
  const hypervisor = { features, journal, procedures, subscribe: driver.subscribe.bind(driver) };
  return {
    name: "test",
    accepts: (uri) => driver.accepts(uri),
    connect: () => ({ hypervisor, release: () => {} }),
    close: () => driver.close(),
  };
}

/** Two clients of one daemon. */
class Race {
  readonly world: ScheduledWorld;
  readonly #driver: TestDriver;
  readonly #daemon: Daemon;
  readonly #done: Done[] = [];
  readonly #events: { readonly dom: Domain; readonly event: number }[] = [];
  #clock = 0;

  constructor(world: ScheduledWorld) {
    this.world = world;
    this.#driver = new TestDriver(world.loop, { clock: () => 0 });
    this.#driver.subscribe(({ event }) => {
      if (event.name === "lifecycle" && event.dom.name === name) this.#events.push(event);
    });
    this.#daemon = new Daemon(world.loop, { drivers: [slow(this.#driver, world.sim)] });
    world.sim.atEnd(() => this.#check());
  }

  enter(who: string, uuid: string, operations: readonly Operation[]): void {
    const [near, far] = pairInMemory(this.world.loop);
    this.#daemon.accept(near);
    const connection = new Connection(this.world.loop, far);
    connection.open({ onClose: (cause) => cause && this.world.fail(`${who} was cut off: ${cause.message}`) });
    const opening = connection.call(remote, "connectOpen", { name: "test:///default", flags: 0 });
    // Not a part of the race.
    this.world.host.runUntilIdle();
    this.world.actor(who, async () => {
      await opening;
      for (const operation of operations) await this.#do(connection, operation, uuid);
      connection.close();
    });
  }

  async #do(connection: Connection, operation: Operation, uuid: string): Promise<void> {
    const asked = this.#clock++;
    const dom = { name, uuid, id: -1 };
    const xml = `<domain type='test'><name>${name}</name><uuid>${uuid}</uuid><memory>1</memory><os><type>hvm</type></os></domain>`;
    const calls: Readonly<Record<Operation, () => Promise<unknown>>> = {
      define: () => connection.call(remote, "domainDefineXml", { xml }),
      run: () => connection.call(remote, "domainCreateXml", { xmlDesc: xml, flags: 0 }),
      undefine: () => connection.call(remote, "domainUndefine", { dom }),
      create: () => connection.call(remote, "domainCreate", { dom }),
      destroy: () => connection.call(remote, "domainDestroy", { dom }),
    };
    const result = await calls[operation]().then(
      () => "done" as const,
      (error: unknown) => (error instanceof VirError ? ("refused" as const) : this.world.fail(String(error))),
    );
    this.#done.push({ operation, uuid, result, asked, answered: this.#clock++ });
  }

  #check(): void {
    const listed = this.#listed();
    const story = this.#done.map(({ operation, uuid, result }) => `${operation} ${uuid.at(-1)}: ${result}`).join(", ");
    if (!isLinearizable(this.#done, listed)) this.world.fail(`no order explains it: ${story}; listed: ${listed}`);
    this.#checkEvents(listed);
  }

  #listed(): string {
    const { connectListAllDomains } = this.#driver.procedures;
    const { domains = [] } = (connectListAllDomains?.({ needResults: 1, flags: 0 }, localContext()) ?? {}) as {
      domains?: readonly Domain[];
    };
    const found = domains.filter((each) => each.name === name);
    return found.map(({ uuid, id }) => `${uuid} ${id === -1 ? "is off" : "runs"}`).join();
  }

  /** Of each incarnation, from its definition to its end. */
  #checkEvents(listed: string): void {
    const model = new Map<string, "off" | "running" | "undefined and running">();
    for (const { dom, event } of this.#events) {
      const before = model.get(dom.uuid);
      const after = next(before, event);
      if (after === "impossible") return this.world.fail(`event ${event} of ${dom.uuid} when it is ${before}`);
      if (after === undefined) model.delete(dom.uuid);
      else model.set(dom.uuid, after);
    }
    const told = [...model].map(([uuid, state]) => `${uuid} ${state === "off" ? "is off" : "runs"}`).join();
    if (told !== listed) this.world.fail(`the events tell of "${told}", the list of "${listed}"`);
  }
}

type State = "off" | "running" | "undefined and running" | undefined;

/** What an event makes of a domain. */
function next(state: State, event: number): State | "impossible" {
  const { defined, undefined: gone, started, stopped } = Lifecycle;
  if (event === defined.event) return state === undefined || state === "off" ? "off" : "running";
  if (event === started.event && state === undefined) return "undefined and running";
  if (event === started.event) return state === "off" ? "running" : "impossible";
  if (event === gone.event)
    return state === "off" ? undefined : state === "running" ? "undefined and running" : "impossible";
  if (event !== stopped.event || state === undefined || state === "off") return "impossible";
  return state === "running" ? "off" : undefined;
}

/** Two clients of one daemon do this, each one thing after the other. */
function race(one: readonly Operation[], other: readonly Operation[], sameUuid: boolean) {
  return (sim: AsyncSim): void => {
    const race = new Race(new ScheduledWorld(sim));
    race.enter("one", uuids[0], one);
    race.enter("other", sameUuid ? uuids[0] : uuids[1], other);
  };
}

suite("two clients of one name: some order explains their results, each incarnation's events are in order", () => {
  const cases: readonly [string, readonly Operation[], readonly Operation[], boolean][] = [
    ["both define, start and undefine one uuid", ["define", "create", "undefine"], ["define", "destroy"], true],
    ["one undefines what the other starts", ["define", "undefine"], ["create", "destroy"], true],
    ["both want the name for their own uuid", ["define", "undefine"], ["define", "create"], false],
    ["a transient domain against a definition", ["run", "destroy"], ["define", "undefine"], true],
    ["two transient domains of one name", ["run", "destroy"], ["run", "destroy"], false],
    ["two runs of one transient domain", ["run", "destroy"], ["run", "destroy"], true],
  ];
  for (const [what, one, other, sameUuid] of cases) {
    test(what, (t) => checkSchedules(t, `two clients: ${what}`, race(one, other, sameUuid)));
  }
});
