import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

/** In `file`, below src/, a text that occurs once. */
export interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A bug that is put into a copy of the sources. */
export interface SourceMutation {
  readonly name: string;
  readonly about: string;
  readonly patches: readonly Patch[];
  /** The scenario that finds it. */
  readonly foundBy: string;
}

type Change = Pick<SourceMutation, "name" | "patches">;

const source = new URL("../../src/", import.meta.url).href;

/**
 * What loads a module of scenarios before a mutant: the URL of the module, the folders below src/ of which the mutant has
 * copies of its own, the mutations, and the URLs of further modules that stand between, to be copied too. "none" is a copy
 * without a bug.
 */
export function mutants<T>(
  subjects: string,
  copied: readonly string[],
  mutations: readonly Change[],
  between: readonly string[] = [],
): (name: string) => Promise<T> {
  const prefixes = [...copied.map((folder) => source + folder), ...between];
  const known: readonly Change[] = [...mutations, { name: "none", patches: [] }];
  registerHooks({
    resolve(specifier, context, next) {
      const result = next(specifier, context);
      const { search } = new URL(context.parentURL ?? "file:///");
      const isCopied = search.startsWith("?mutation=") && prefixes.some((prefix) => result.url.startsWith(prefix));
      return isCopied ? { ...result, url: result.url.replace(/\?.*/, "") + search } : result;
    },
    load(url, context, next) {
      const name = new URL(url).searchParams.get("mutation");
      const mutation = known.find((each) => each.name === name);
      if (mutation === undefined) return next(url, context);
      return { format: "module-typescript", source: patched(new URL(url), mutation), shortCircuit: true };
    },
  });
  return async (name) => {
    if (!known.some((each) => each.name === name)) throw new RangeError(`there is no mutation "${name}"`);
    return (await import(`${subjects}?mutation=${name}`)) as T;
  };
}

function patched(url: URL, { name, patches }: Change): string {
  let text = readFileSync(url, "utf8");
  for (const { file, find, replace } of patches) {
    if (!url.pathname.endsWith(`/src/${file}`)) continue;
    const places = text.split(find).length - 1;
    if (places !== 1) throw new Error(`mutation ${name}: its text occurs ${places} times in ${file}; adapt the patch`);
    text = text.replace(find, () => replace);
  }
  return text;
}
