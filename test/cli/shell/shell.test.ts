import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { domain, open } from "../../../src/open/index.ts";
import { atTerminal, type Step, withoutTerminal } from "../pseudo-terminal.ts";
import { main, ServedSimulator } from "../served-simulator.ts";

const prompt = "virtwright # ";

suite("the shell at a terminal", { skip: withoutTerminal, timeout: 60_000 }, () => {
  const type = ({ uri, directory }: ServedSimulator, steps: readonly Step[]) =>
    atTerminal([process.execPath, main, "-c", uri], steps, directory);

  test("gives its terminal to a console, and takes it back", async () => {
    await using simulator = new ServedSimulator();
    await using connection = await open(simulator.uri);
    await connection.domainCreateXml(domain({ name: "con", type: "test", memory: "1GiB", console: "pty" }));
    const { status, screen } = await type(simulator, [
      [prompt, "console con\r"],
      ["con login: ", "hello\r"],
      ["con login: ", "\x1d"],
      [prompt, "list --name\r"],
      ["con\r\n", ""],
      [prompt, "quit\r"],
    ]);
    assert.equal(status, 0, screen);
    assert.match(screen, /con login: hello\s+hello\s+con login: /);
  });

  test("goes on after whatever a command fails with", async () => {
    await using simulator = new ServedSimulator();
    const { status, screen } = await type(simulator, [
      [prompt, "cd /nonexistent\r"],
      [prompt, "setvcpus test 99999999999\r"],
      [prompt, "list --name\r"],
      ["test\r\n", ""],
      [prompt, "quit\r"],
    ]);
    assert.equal(status, 0, screen);
    assert.match(screen, /error: ENOENT/);
    assert.match(screen, /error: Numeric value '99999999999' for <count> option is malformed/);
  });
});
