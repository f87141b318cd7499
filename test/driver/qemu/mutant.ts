import { mutants, type SourceMutation } from "../../mutations/mutated-sources.ts";
import type { Explored } from "../explored-world.ts";

const subjects = new URL("./explored.ts", import.meta.url).href;
/** What a mutant has a copy of its own of. */
const copied = ["event/", "qmp/", "model/", "driver/qemu/", "testkit/scenarios/", "testkit/sim/"];

const between = ["../explored-world.ts"].map((path) => new URL(path, import.meta.url).href);

/** The mistakes of libvirt's monitor and driver (races 17 and 18), put into ours. */
export const driverMutations: readonly SourceMutation[] = [
  {
    name: "waiter-never-woken",
    about: "the monitor is closed, and who waits for an answer is not told",
    patches: [
      {
        file: "qmp/monitor.ts",
        find: "for (const id of this.#pending.keys()) this.#take(id)?.reply.reject(cause);",
        replace: "this.#pending.clear();",
      },
    ],
    foundBy: "closed with a command pending",
  },
  {
    name: "late-reply-answers-next",
    about: "an answer is that of the oldest command that waits, whatever its id",
    patches: [
      {
        file: "qmp/monitor.ts",
        find: "return this.#take(id);",
        replace: "return this.#take([...this.#pending.keys()][0] ?? id);",
      },
    ],
    foundBy: "a late answer",
  },
  {
    name: "end-of-monitor-is-the-end",
    about: "the end of the monitor is taken for the end of the process",
    patches: [
      {
        file: "driver/qemu/qemu-process.ts",
        find: "if (this.#exit === undefined) this.terminate();\n    else this.#end(this.#exit);",
        replace: "this.#end(this.#exit ?? {});",
      },
    ],
    foundBy: "destroyed and dying",
  },
  {
    name: "run-not-asked-again",
    about: "after its wait a call takes whatever run there is",
    patches: [
      {
        file: "driver/qemu/guests.ts",
        find: "(meant !== undefined && run.incarnation !== meant)",
        replace: "false",
      },
    ],
    foundBy: "ended and started again",
  },
  {
    name: "save-told-as-shutdown",
    about: "what QEMU says when it is ended after a save is told",
    patches: [{ file: "driver/qemu/run.ts", find: "this.#state.isShutDown = true;", replace: "" }],
    foundBy: "saved and shut down",
  },
  {
    name: "start-of-what-is-gone",
    about: "after its wait a start does not look whether the domain is there",
    patches: [
      {
        file: "driver/qemu/operations.ts",
        find: 'this.guests.checkExists(domain);\n      if (domain.incarnation !== undefined) throw invalid("domain is already running");',
        replace: 'if (domain.incarnation !== undefined) throw invalid("domain is already running");',
      },
    ],
    foundBy: "undefined and started",
  },
  {
    name: "never-killed",
    about: "a QEMU that does not heed SIGTERM is waited for",
    patches: [
      {
        file: "driver/qemu/qemu-process.ts",
        find: "this.#timeout = this.#loop.timeout(this.#loop.now() + this.#terminateMs, () => this.kill());",
        replace: "",
      },
    ],
    foundBy: "a stopped QEMU",
  },
];

const load = mutants<{ readonly explored: readonly Explored[] }>(subjects, copied, driverMutations, between);

/** The scenarios, before a driver with a bug; or with none, when the name is "none". */
export async function mutant(name: string): Promise<readonly Explored[]> {
  const { explored } = await load(name);
  return explored;
}
