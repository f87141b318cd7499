import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Daemon } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import { type DomainReport, DomainState, Lifecycle } from "../../src/protocol/index.ts";
import { World } from "../rpc/world.ts";
import { OwnClient, type Told } from "./own-client.ts";

/** What a reader knows of a domain. */
interface Known {
  readonly name: string;
  readonly state: number;
  readonly persistent: boolean;
}

type Picture = Map<string, Known>;

const { running, paused, shutoff } = DomainState;
/** The state after an event of the kind lifecycle. */
const states: Readonly<Record<number, number>> = {
  [Lifecycle.started.event]: running,
  [Lifecycle.suspended.event]: paused,
  [Lifecycle.resumed.event]: running,
  [Lifecycle.stopped.event]: shutoff,
};

function pictureOf(reports: readonly DomainReport[]): Picture {
  return new Map(reports.map(({ dom, state, persistent }) => [dom.uuid, { name: dom.name, state, persistent }]));
}

/** What an event makes of a picture, whether or not it is in it already. */
function apply(picture: Picture, { content }: Told): void {
  const { dom, event, detail } = content as { dom: { name: string; uuid: string }; event: number; detail: number };
  const { name, uuid } = dom;
  const { defined, undefined: removed } = Lifecycle;
  // The name follows with the next event.
  if (event === removed.event && detail === removed.detail.renamed) return;
  const known = picture.get(uuid) ?? { name, state: shutoff, persistent: false };
  const persistent = event === defined.event || (event !== removed.event && known.persistent);
  const state = states[event] ?? known.state;
  if (persistent || state !== shutoff) picture.set(uuid, { name, state, persistent });
  else picture.delete(uuid);
}

function uuidOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

function xmlOf(number: number): string {
  const uuid = uuidOf(number);
  return (
    `<domain type='test'><name>guest${number}</name><uuid>${uuid}</uuid><memory>8192</memory><vcpu>1</vcpu>` +
    "<os><type>hvm</type></os></domain>"
  );
}

type Change = (client: OwnClient, number: number) => Promise<unknown>;

const on = (number: number) => ({ dom: { name: "", uuid: uuidOf(number), id: -1 } });
let renamings = 0;
const changes: Readonly<Record<string, Change>> = {
  define: ({ call }, number) => call.domainDefineXml({ xml: xmlOf(number) }),
  create: ({ call }, number) => call.domainCreateXml({ xmlDesc: xmlOf(number), flags: 0 }),
  start: ({ call }, number) => call.domainCreate(on(number)),
  suspend: ({ call }, number) => call.domainSuspend(on(number)),
  resume: ({ call }, number) => call.domainResume(on(number)),
  destroy: ({ call }, number) => call.domainDestroy(on(number)),
  shutdown: ({ call }, number) => call.domainShutdown(on(number)),
  undefine: ({ call }, number) => call.domainUndefine(on(number)),
  rename: ({ call }, number) => call.domainRename({ ...on(number), newName: `renamed${++renamings}`, flags: 0 }),
  save: ({ call }, number) => call.domainManagedSave({ ...on(number), flags: 0 }),
};

const step = fc.tuple(fc.constantFrom(...Object.keys(changes)), fc.nat({ max: 6 }));
const steps = fc.array(step, { maxLength: 25 });

describe("a snapshot and the events behind its position", () => {
  it("give what there is, whatever changes between the pages", async () => {
    let applied = 0;
    const property = fc.asyncProperty(
      steps,
      fc.array(steps, { minLength: 1, maxLength: 8 }),
      steps,
      fc.integer({ min: 1, max: 3 }),
      async (before, between, after, limit) => {
        const world = new World();
        const driver = new TestDriver(world.loop, { clock: () => 0 });
        const daemon = new Daemon(world.loop, { drivers: [driver] });
        const client = new OwnClient(world.loop, daemon);
        await world.settle(client.call.connectOpen({ name: "test:///default", flags: 0 }));
        const change = async (list: readonly (readonly [string, number])[]): Promise<void> => {
          for (const [name, number] of list)
            await world.settle(changes[name]?.(client, number).catch(() => {}) as Promise<unknown>);
        };
        const page = (start: bigint, size: number) =>
          world.settle(client.own.snapshot({ start, limit: size, stats: 0, withXml: false }));
        await change(before);
        const first = await page(0n, limit);
        const reports = [...first.domains];
        for (let { next } = first, pages = 0; next !== 0n; pages++) {
          await change(between[pages % between.length] ?? []);
          const more = await page(next, limit);
          reports.push(...more.domains);
          ({ next } = more);
          assert.ok(pages < 20, "the pages do not end");
        }
        await world.settle(client.subscribe(first.position, [0]));
        await change(after);
        const picture = pictureOf(reports);
        for (const told of client.told) apply(picture, told);
        applied += client.told.length;
        const { domains } = await page(0n, 0);
        const sorted = (each: Picture) => [...each].sort(([a], [b]) => a.localeCompare(b));
        assert.deepEqual(sorted(picture), sorted(pictureOf(domains)));
        assert.deepEqual([world.errors, client.heard.filter((each) => each.includes("gap"))], [[], []]);
        await driver.close();
      },
    );
    await fc.assert(property, { numRuns: 100, seed: 20_260_101 });
    assert.ok(applied > 200, `only ${applied} events were applied`);
  });
});
