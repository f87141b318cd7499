import { mutants, type SourceMutation } from "../../mutations/mutated-sources.ts";
import type { Explored } from "../explored-world.ts";

const subjects = new URL("./explored.ts", import.meta.url).href;
/** What a mutant has a copy of its own of. */
const copied = ["event/", "model/", "driver/xen/", "driver/domain-turns.ts", "testkit/scenarios/", "testkit/sim/"];

const between = ["./xen-world.ts", "./killed-world.ts", "../explored-world.ts"].map(
  (path) => new URL(path, import.meta.url).href,
);

/** The mistakes of libvirt's Xen driver (race 17), put into ours. */
export const driverMutations: readonly SourceMutation[] = [
  {
    name: "own-destroy-told-twice",
    about: "the death that our own destroying raises is told, too",
    patches: [
      {
        file: "driver/xen/run.ts",
        find: "if (this.hasEnded) return;\n    const wasStarted",
        replace: "const wasStarted",
      },
      {
        file: "driver/xen/run.ts",
        find: 'if (this.hasEnded) return;\n    if (this.#phase === "begun")',
        replace: 'if (this.#phase === "begun")',
      },
      {
        file: "driver/xen/run.ts",
        find: 'const wasStarted = this.#phase === "started";',
        replace: "const wasStarted = true;",
      },
    ],
    foundBy: "destroyed and powering off",
  },
  {
    name: "own-destroy-with-anothers-reason",
    about: "the death that our own destroying raises decides why the guest has ended",
    patches: [{ file: "driver/xen/run.ts", find: "this.#expected ?? ", replace: "" }],
    foundBy: "saved and powering off",
  },
  {
    name: "reboot-told-backwards",
    about: "the end before a reboot is told when the next start has been",
    patches: [
      {
        file: "driver/xen/aftermath.ts",
        find: "run.finish(run.isUnwanted ? endings.destroyed : endingFor(reason));",
        replace: "domain.end(run.incarnation, 1);",
      },
      {
        file: "driver/xen/aftermath.ts",
        find: "if (isWanted) return this.#target.letGo(next);",
        replace: "if (isWanted) { await this.#target.letGo(next); return run.finish(endingFor(reason)); }",
      },
    ],
    foundBy: "rebooting, and waited for",
  },
  {
    name: "run-not-asked-again",
    about: "after its wait a call takes whatever run there is",
    patches: [
      { file: "driver/xen/guests.ts", find: "(meant !== undefined && run.incarnation !== meant)", replace: "false" },
    ],
    foundBy: "rebooting, and waited for",
  },
  {
    name: "number-is-identity",
    about: "a domain that has the number of ours is taken for it",
    patches: [
      {
        file: "driver/xen/adoption.ts",
        find: "if (info?.uuid !== run.domain.uuid) run.vanish();",
        replace: "if (info === undefined) run.vanish();",
      },
    ],
    foundBy: "taken away and its number used again",
  },
  {
    name: "wish-not-heeded",
    about: "a guest that was destroyed while it reboots starts again",
    patches: [
      {
        file: "driver/xen/aftermath.ts",
        find: "isWanted = !run.isUnwanted && !this.#target.isClosed();",
        replace: "isWanted = true;",
      },
      {
        file: "driver/xen/aftermath.ts",
        find: "if (run.isUnwanted) return run.finish(endings.destroyed);",
        replace: "",
      },
    ],
    foundBy: "destroyed and rebooting",
  },
  {
    name: "save-told-as-shutdown",
    about: "the suspending of a save is taken for the guest's end",
    patches: [{ file: "driver/xen/run.ts", find: 'reason === "suspend" || ', replace: "" }],
    foundBy: "saved and powering off",
  },
  {
    name: "start-of-what-is-gone",
    about: "after its wait a start does not look whether the domain is there",
    patches: [
      {
        file: "driver/xen/operations.ts",
        find: "this.guests.checkExists(domain);\n      const { persistent } = domain;\n      if (domain.incarnation !== undefined || persistent === undefined) throw",
        replace:
          "const { persistent } = domain;\n      if (domain.incarnation !== undefined || persistent === undefined) throw",
      },
    ],
    foundBy: "undefined and started",
  },
  {
    name: "adopted-twice",
    about: "after its definition was read a domain is taken up without another look whether it is known by now",
    patches: [
      {
        file: "driver/xen/adoption.ts",
        find: "if (definition !== undefined && this.#isStrange(info)) ",
        replace: "if (definition !== undefined && !this.#closed) ",
      },
      {
        file: "driver/xen/adoption.ts",
        find: " && !this.#isKnown(domid) && !this.#builder.isBuilding(uuid);",
        replace: " && !this.#isKnown(domid);",
      },
    ],
    foundBy: "started and looked at",
  },
  {
    name: "two-jobs-at-once",
    about: "a change does not wait for the one before it",
    patches: [
      {
        file: "driver/domain-turns.ts",
        find: "domain.jobs.run(request, () => {\n        begin();\n        return body();\n      }),",
        replace: "(async () => (void request, begin(), body()))(),",
      },
    ],
    foundBy: "suspended and resumed",
  },
  {
    name: "abandoned-for-ever",
    about: "nobody asks whether what a dead daemon was building may still come about",
    patches: [
      {
        file: "driver/xen/adoption.ts",
        find: "this.#options.predecessors.then(() => this.#giveUp())",
        replace: "this.#options.predecessors.then(() => {})",
      },
    ],
    foundBy: "started, and its daemon killed",
  },
  {
    name: "close-does-not-wait",
    about: "the driver is closed before what is under way has ended",
    patches: [
      {
        file: "driver/domain-turns.ts",
        find: "await Promise.allSettled(this.#underWay);",
        replace: "",
      },
    ],
    foundBy: "closed while it works",
  },
];

const load = mutants<{ readonly explored: readonly Explored[] }>(subjects, copied, driverMutations, between);

/** The scenarios, before a driver with a bug; or with none, when the name is "none". */
export async function mutant(name: string): Promise<readonly Explored[]> {
  const { explored } = await load(name);
  return explored;
}
