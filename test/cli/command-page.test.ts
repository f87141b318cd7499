import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { splitLine } from "../../src/cli/shell/split-line.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { runVerbOn } from "../../src/cli/verbs/run-verb.ts";
import { type Connection, open } from "../../src/open/index.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/command.md"), "utf8");
const blocks = [...page.matchAll(/```console\n(.*?)```/gs)].map(([, block = ""]) => block);

/** Runs what stands behind each "$ virtwright": the block as it would really look, without empty lines. */
async function transcript(connection: Connection, block: string): Promise<string> {
  let shown = "";
  const say = (text: string): void => void (shown += text);
  for (const line of block.split("\n").filter((each) => each.startsWith("$ "))) {
    say(`${line}\n`);
    const [[name = "", ...args] = []] = splitLine(line.replace("$ virtwright ", ""));
    try {
      await runVerbOn(connection, name, args, { out: say, error: say });
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      say(`error: ${error.message}\n`);
    }
  }
  return shown.replaceAll(/\n+/g, "\n");
}

suite("the page about the command", () => {
  assert.equal(blocks.length, 2);
  for (const [index, block] of blocks.entries()) {
    test(`shows what it really says (${index + 1})`, async () => {
      await using connection = await open("test:///default", { embed: true });
      assert.equal(await transcript(connection, block), block);
    });
  }
});
