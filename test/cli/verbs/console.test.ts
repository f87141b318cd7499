import assert from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { suite, test } from "node:test";
import { type Around, around } from "../../../src/cli/verbs/around.ts";
import { openConsole } from "../../../src/cli/verbs/console.ts";
import { Given } from "../../../src/cli/verbs/verb.ts";
import { domain, open } from "../../../src/open/index.ts";

/** What stands for a terminal, and what it shows. */
function terminal(): { where: Around; keys: PassThrough; shows: (text: string) => Promise<void>; raw: boolean[] } {
  const [keys, screen] = [new PassThrough(), new PassThrough()];
  const raw: boolean[] = [];
  let shown = "";
  screen.on("data", (chunk: Buffer) => void (shown += chunk.toString()));
  const input = Object.assign(keys, { isTTY: true, setRawMode: (on: boolean) => raw.push(on) });
  const where: Around = {
    ...around({ out: () => {}, error: () => {} }),
    input: input as unknown as NodeJS.ReadStream,
    output: screen as unknown as NodeJS.WriteStream,
  };
  const shows = async (text: string): Promise<void> => {
    while (!shown.includes(text)) await once(screen, "data");
  };
  return { where, keys, shows, raw };
}

suite("a console in this terminal", () => {
  test("shows what the guest prints, takes keys, and is left with Ctrl-]", async () => {
    await using connection = await open("test:///default", { embed: true });
    const web = await connection.domainDefineXml(domain({ name: "web", type: "test", memory: "1GiB", console: "pty" }));
    await web.create();
    const { where, keys, shows, raw } = terminal();
    const over = openConsole(connection, new Given({ domain: "web" }), where);
    keys.write("root\r");
    await shows("root");
    keys.write("\x1d");
    assert.equal(await over, "");
    assert.deepEqual(raw, [true, false], "the terminal is as it was");
    assert.equal((await web.status()).state, "running");
  });

  test("is refused without a terminal, and without a running guest", async () => {
    await using connection = await open("test:///default", { embed: true });
    const { where } = terminal();
    const none = { ...where, input: new PassThrough() as unknown as NodeJS.ReadStream };
    await assert.rejects(openConsole(connection, new Given({ domain: "test" }), none), /without a controlling TTY/);
    await (await connection.domain("test")).destroy();
    await assert.rejects(openConsole(connection, new Given({ domain: "test" }), where), /is not running/);
  });
});
