import { optionsOf } from "./read-args.ts";
import { verbOf } from "./run-verb.ts";
import type { Verb } from "./verb.ts";
import { verbGroups } from "./verb-groups.ts";

/** A line for each verb, in groups. */
export async function verbsText(): Promise<string> {
  const groups = await Promise.all(verbGroups.map(async ({ title, load }) => ({ title, verbs: await load() })));
  const width = Math.max(...groups.flatMap(({ verbs }) => Object.keys(verbs).map(({ length }) => length)));
  return groups
    .map(({ title, verbs }) => {
      const lines = Object.entries(verbs).map(([name, { help }]) => `  ${name.padEnd(width)}  ${help}\n`);
      return `${title}:\n${lines.join("")}`;
    })
    .join("\n");
}

/** How a verb is called. Throws UsageError for one that is none, which names the nearest of verbs and of `others`. */
export async function verbText(name: string, others: readonly string[] = []): Promise<string> {
  const verb = await verbOf(name, others);
  return [`  NAME\n    ${name} - ${verb.help}\n`, `\n  SYNOPSIS\n    ${[name, ...usageOf(verb)].join(" ")}\n`].join("");
}

function usageOf(verb: Verb): string[] {
  return optionsOf(verb).map(({ name, kind, isNeeded }) => {
    if (kind === "flag") return `[--${name}]`;
    if (isNeeded) return `<${name}>`;
    return kind === "list" ? `[[--${name}] <text>]...` : `[--${name} <text>]`;
  });
}
