import type { Domain } from "../../../src/model/index.ts";
import { DomainState, ErrorCode } from "../../../src/protocol/index.ts";
import type { AsyncSim } from "../../../src/testkit/index.ts";
import { type DriverActor, type Explored, outcome, together } from "../explored-world.ts";
import { KilledWorld } from "./killed-world.ts";
import { others, started, suspended, uuid, XenWorld } from "./xen-world.ts";

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
      const powersOff = sim.choose(2) === 1;
      world.begin(
        [
          "save",
          async (domain) => {
            const result = await outcome(() => world.save(domain));
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
    name: "shut down and destroyed",
    about: "one client has a guest shut down while another destroys it: one end, told once",
    subject(sim) {
      const world = new XenWorld(sim);
      world.begin(
        ["shutdown", async (domain) => void (await outcome(() => world.operations.shutdown(domain, {})))],
        [
          "destroy",
          async (domain) => {
            const result = await outcome(() => world.operations.destroy(domain, {}));
            if (result !== "done" && result !== ErrorCode.operationInvalid) world.fail(`destroy: ${result}`);
            if (world.ends.length !== 1) world.fail(`told ${world.ends.length} ends`);
          },
        ],
      );
    },
  },
  {
    name: "saved and destroyed",
    about: "one client saves a guest while another destroys it: one end, and who is refused has not ended it",
    subject(sim) {
      const world = new XenWorld(sim);
      const results: Record<string, number | "done"> = {};
      const call = (name: string, act: (domain: Domain) => Promise<void>): DriverActor => [
        name,
        async (domain) => {
          results[name] = await outcome(() => act(domain));
        },
      ];
      world.begin(
        call("save", (domain) => world.save(domain)),
        call("destroy", (domain) => world.operations.destroy(domain, {})),
      );
      world.whenDone(() => {
        const [end, ...more] = world.ends;
        const by = end === 4 ? "save" : "destroy";
        if (more.length > 0 || results[by] !== "done")
          world.fail(`told ${world.ends.join()}; save: ${results["save"]}, destroy: ${results["destroy"]}`);
      });
    },
  },
  {
    name: "suspended and resumed",
    about: "two clients suspend and resume a guest: one after the other, so that what is told last is what it is",
    subject(sim) {
      const world = new XenWorld(sim);
      const work = async (domain: Domain): Promise<void> => {
        await outcome(() => world.operations.suspend(domain, {}));
        await outcome(() => world.operations.resume(domain, {}));
      };
      world.begin(["one", work], ["other", work]);
      world.whenDone(() => {
        const { status, id } = world.domain;
        const isPaused = world.xen.list.get(id)?.info.paused;
        const last = world.told.get(uuid)?.at(-1)?.event;
        if ((status.state === DomainState.paused) !== isPaused || (last === suspended) !== isPaused)
          world.fail(`Xen has it ${isPaused ? "paused" : "running"}; its state is ${status.state}, told last: ${last}`);
      });
    },
  },
  {
    name: "made and destroyed by others",
    about: "others make a guest and destroy it while it is looked at: it is taken up once, or never was there",
    subject(sim) {
      const world = new XenWorld(sim);
      world.begin(
        ["look", async () => world.operations.guests.reconcile()],
        [
          "others",
          async () => {
            const id = world.xen.make("theirs", others);
            await sim.step("and destroy it");
            world.xen.remove(id);
          },
        ],
      );
    },
  },
  {
    name: "started and looked at",
    about: "Xen's domains are looked at while one of ours is built: it is ours, and nobody else's",
    subject(sim) {
      const world = new XenWorld(sim);
      world.begin(
        [
          "again",
          async (domain) => {
            await outcome(() => world.operations.destroy(domain, {}));
            const result = await outcome(() => world.operations.start(domain, {}, {}));
            if (result !== "done") world.fail(`start: ${result}`);
            const { length } = (world.told.get(uuid) ?? []).filter(({ event }) => event === started);
            if (length !== 2) world.fail(`told ${length} starts of two`);
          },
        ],
        ["look", async () => world.operations.guests.reconcile()],
      );
    },
  },
  {
    name: "closed while it works",
    about: "the driver closes while calls are under way: each ends, and nothing is told behind that",
    subject(sim) {
      const world = new XenWorld(sim);
      let told = -1;
      world.begin(
        [
          "again",
          async (domain) => {
            await outcome(() => world.operations.destroy(domain, {}));
            await outcome(() => world.operations.start(domain, {}, {}));
          },
        ],
        [
          "close",
          async () => {
            await world.operations.guests.close();
            told = world.told.get(uuid)?.length ?? 0;
          },
        ],
      );
      world.whenDone(() => {
        const { length } = world.told.get(uuid) ?? [];
        if (length !== told) world.fail(`told ${length - told} events behind the close`);
      });
    },
  },
  {
    name: "started, and its daemon killed",
    about: "a daemon is killed while a guest starts, the one after it too: it runs and is ours, or never did",
    subject(sim) {
      const world = new KilledWorld(sim);
      world.begin(
        [
          "again",
          async () => {
            // Whoever serves now.
            await outcome(async () => world.operations.destroy(world.domain, {}));
            await outcome(async () => world.operations.start(world.domain, {}, {}));
          },
        ],
        ["kill", () => killed(sim, world)],
      );
    },
  },
  {
    name: "rebooting, and its daemon killed",
    about: "a daemon is killed while a guest reboots, the one after it too: each run has one start and one end",
    subject(sim) {
      const world = new KilledWorld(sim);
      world.begin(
        [
          "guest",
          async () => {
            if (world.xen.list.has(1)) world.xen.end(1, "reboot");
          },
        ],
        ["kill", () => killed(sim, world)],
      );
    },
  },
  {
    name: "paused, and its daemon killed",
    about: "a daemon is killed while a guest is suspended and resumed: what is told is what it is",
    subject(sim) {
      const world = new KilledWorld(sim);
      world.begin(
        [
          "calls",
          async () => {
            await outcome(async () => world.operations.suspend(world.domain, {}));
            await outcome(async () => world.operations.resume(world.domain, {}));
          },
        ],
        ["kill", () => killed(sim, world)],
      );
    },
  },
];

async function killed(sim: AsyncSim, world: KilledWorld): Promise<void> {
  const twice = sim.choose(2) === 1;
  await world.kill();
  if (!twice) return;
  await sim.step("once more");
  await world.kill();
}
