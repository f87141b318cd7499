import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** The package's own name leads to its sources: nothing has to be built for the examples to run. */
export function fromSources(code: string): string {
  return code.replaceAll(/"virtwright(?:\/(\w+))?"/g, (_, name = "open") =>
    JSON.stringify(join(root, "src", name, "index.ts")),
  );
}

/** Each TypeScript example of a page, with the output that the page promises right below it. */
export function snippets(text: string): { code: string; output: string }[] {
  const found = text.matchAll(/```ts\n(.*?)```\n\n```text\n(.*?)```/gs);
  return [...found].map(([, code = "", output = ""]) => ({ code, output }));
}
