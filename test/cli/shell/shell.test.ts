import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { domain, open } from "../../../src/open/index.ts";
import { Program } from "../../integration/program.ts";
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

  test("runs every line that is pasted, and keeps what is begun", async () => {
    await using simulator = new ServedSimulator();
    const { status, screen } = await type(simulator, [
      [prompt, "pwd\recho one; list --name\recho two\recho th"],
      ["\r\ntwo\r\n", ""],
      [`echo th`, "ree\r"],
      ["\r\nthree\r\n", ""],
      [prompt, "echo four\x03"],
      [prompt, "quit\recho five\r"],
    ]);
    assert.equal(status, 0, screen);
    const lines = screen.replaceAll("echo th\x1b[1G\x1b[0K", "").split("\r\n");
    assert.ok(lines.includes(`${prompt}echo two`), screen);
    for (const said of [simulator.directory, "one", "test", "two", "three"]) assert.ok(lines.includes(said), said);
    for (const unsaid of ["four", "five"]) assert.ok(!lines.includes(unsaid), unsaid);
  });

  test("is left with Ctrl-D, behind the lines before it", async () => {
    await using simulator = new ServedSimulator();
    const { status, screen } = await type(simulator, [[prompt, "echo one\recho two\r\x04echo three\r"]]);
    assert.equal(status, 0, screen);
    assert.match(screen, /\none\r\n.*\ntwo\r\n/s);
  });
});

suite("a script for the shell", { timeout: 60_000 }, () => {
  test("is run line by line as it comes, and no more of it behind quit", async () => {
    await using simulator = new ServedSimulator();
    const args = [main, "-c", simulator.uri];
    await using program = new Program(process.execPath, args, process.env, true);
    program.write("echo one\nlist --name\n");
    await program.has(/one\ntest\n/);
    program.write("frob\n");
    await program.has(/unknown command: 'frob'/);
    program.write("quit\necho two\n");
    assert.equal(await program.ended(), 0);
    assert.doesNotMatch(program.stdout, /two/);
  });

  test("has the status of its last line", async () => {
    await using simulator = new ServedSimulator();
    const { status, out } = await simulator.shell(`printf 'echo one\n\ndominfo nosuch' | "$@"`, []);
    assert.deepEqual([status, out], [1, "one\n\n"]);
  });
});
