import { mutants, type SourceMutation } from "../mutations/mutated-sources.ts";
import { mutations } from "../mutations/mutations.ts";
import type { Explored } from "./explored.ts";

const subjects = new URL("./explored.ts", import.meta.url).href;
/** What a mutant has a copy of its own of. */
const copied = ["event/", "libxl/", "testkit/fake-libxl/", "testkit/scenarios/", "testkit/sim/"];

/** Mistakes of the hooks that are the core's mutations too, before this library. */
function ofTheHooks(name: string, foundBy: string): SourceMutation {
  const mutation = mutations.find((each) => each.name === name);
  if (mutation === undefined) throw new RangeError(`there is no mutation "${name}"`);
  const patches = mutation.patches.map((patch) => ({ ...patch, file: `event/${patch.file}` }));
  return { name, about: mutation.about, patches, foundBy };
}

export const contextMutations: readonly SourceMutation[] = [
  {
    name: "freed-with-operations",
    about: "the context is closed without waiting for its operations",
    patches: [
      {
        file: "libxl/context.ts",
        find: "const ended = [...this.#operations].map(({ finished }) => finished.promise);",
        replace: "const ended: Promise<void>[] = [];",
      },
    ],
    foundBy: "closed with everything under way",
  },
  {
    name: "freed-with-timeouts",
    about: "the context is closed without waiting for its timeouts",
    patches: [{ file: "libxl/context.ts", find: ".then(() => this.#hooks.drain())", replace: "" }],
    foundBy: "closed with calls held back",
  },
  {
    name: "never-aborted",
    about: "libxl is not asked to cut an operation short",
    patches: [
      {
        file: "libxl/operation.ts",
        find: 'loop.post(() => this.#state === "aborting" && this.#running?.abort());',
        replace: "",
      },
    ],
    foundBy: "closed with everything under way",
  },
  {
    name: "settled-inside",
    about: "an operation settles while the library that ended it is still being called",
    patches: [
      {
        file: "libxl/operation.ts",
        find: "if (!this.#context.loop.post(() => this.#end(completion))) this.#end(completion);",
        replace: "this.#end(completion);",
      },
    ],
    foundBy: "an operation and its child",
  },
  {
    name: "told-after-removal",
    about: "an event that had happened before its watch was removed is told all the same",
    patches: [
      {
        file: "libxl/domain-watch.ts",
        find: '(this.#state === "watching" ? listener(event) : undefined)',
        replace: "listener(event)",
      },
    ],
    foundBy: "a watch is removed",
  },
  {
    name: "events-left-enabled",
    about: "the library is not told that nobody listens any more",
    patches: [{ file: "libxl/domain-watch.ts", find: "this.#generator?.disable();", replace: "" }],
    foundBy: "a watch is removed",
  },
  {
    name: "child-of-a-closed-context",
    about: "a context that is closed enters its library when a child of another has ended",
    patches: [{ file: "libxl/context.ts", find: 'if (this.#state !== "closed") ', replace: "" }],
    foundBy: "two contexts and their children",
  },
  {
    name: "child-not-told",
    about: "a context does not pass SIGCHLD on",
    patches: [{ file: "libxl/context.ts", find: "this.#library.childEnded();", replace: "{}" }],
    foundBy: "an operation and its child",
  },
  ofTheHooks("library-timeout-recurs", "a timeout of libxl's"),
  ofTheHooks("cell-for-cookie", "an operation and its child"),
  ofTheHooks("now-becomes-never", "an operation and its child"),
  ofTheHooks("drain-ignores-calls", "closed with calls held back"),
];

const load = mutants<{ readonly explored: readonly Explored[] }>(subjects, copied, contextMutations);

/** The scenarios, before a context with a bug; or with none, when the name is "none". */
export async function mutant(name: string): Promise<readonly Explored[]> {
  const { explored } = await load(name);
  return explored;
}
