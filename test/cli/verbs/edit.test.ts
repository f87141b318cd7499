import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { after, before, suite, test } from "node:test";
import { around } from "../../../src/cli/verbs/around.ts";
import { edit } from "../../../src/cli/verbs/edit.ts";
import { runVerb } from "../../../src/cli/verbs/run-verb.ts";
import { PlainFailure } from "../../../src/cli/verbs/verb.ts";

suite("editing", () => {
  const kept = { ...process.env };
  let directory = "";
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "vw-editing-"));
    process.env["TMPDIR"] = directory;
    delete process.env["VISUAL"];
  });
  after(() => {
    for (const name of ["TMPDIR", "EDITOR", "VISUAL"]) {
      if (kept[name] === undefined) delete process.env[name];
      else process.env[name] = kept[name];
    }
    rmSync(directory, { recursive: true });
  });

  const said = { error: "" };
  const where = { ...around({ out: () => {}, error: (text) => void (said.error += text) }) };
  /** Nobody can be asked. */
  const alone = { ...where, input: Object.create(process.stdin, { isTTY: { value: false } }) as NodeJS.ReadStream };
  const definition = { what: "Thing XML", read: async () => "<a>1</a>" };

  test("takes what the editor has written", async () => {
    process.env["EDITOR"] = "sed -i s/1/2/";
    assert.equal(await edit(where, { ...definition, write: async (text) => text }), "<a>2</a>");
    assert.deepEqual(readdirSync(directory), []);
  });

  test("changes nothing where nothing was changed", async () => {
    process.env["EDITOR"] = "true";
    const write = (): Promise<never> => Promise.reject(new Error("nobody writes"));
    assert.equal(await edit(where, { ...definition, write }), undefined);
    assert.deepEqual(readdirSync(directory), []);
  });

  test("loses nothing of what will not do", async () => {
    process.env["EDITOR"] = "sed -i s/1/nonsense/";
    const write = (): Promise<never> => Promise.reject(new PlainFailure("nonsense is no number"));
    await assert.rejects(edit(alone, { ...definition, write }), (error: Error) => {
      const file = /kept in (?<file>\S+)$/.exec(error.message)?.groups?.["file"] ?? "";
      assert.equal(readFileSync(file, "utf8"), "<a>nonsense</a>");
      return true;
    });
    assert.match(said.error, /^error: nonsense is no number$/m);
  });

  test("is given up by Ctrl-C and Ctrl-D where it asks, and what was written stays", async () => {
    process.env["EDITOR"] = "sed -i s/1/nonsense/";
    const write = (): Promise<never> => Promise.reject(new PlainFailure("nonsense is no number"));
    for (const key of ["\x03", "\x04"]) {
      const terminal = Object.assign(new PassThrough(), { isTTY: true });
      const input = terminal as unknown as NodeJS.ReadStream;
      const output = Object.assign(new PassThrough(), { isTTY: true });
      output.on("data", (shown: Buffer) => {
        if (shown.includes("Try again?")) terminal.write(key);
      });
      const asked = { ...where, input, output: output as unknown as NodeJS.WriteStream };
      await assert.rejects(edit(asked, { ...definition, write }), /^Error: Failed\. Your edit is kept in \S+$/);
    }
  });

  test("leaves nothing behind where nothing was written", async () => {
    const before = readdirSync(directory);
    const write = (): Promise<never> => Promise.reject(new Error("nobody writes"));
    const read = (): Promise<never> => Promise.reject(new PlainFailure("may not be read"));
    await assert.rejects(edit(alone, { ...definition, read, write }), /may not be read/);
    process.env["EDITOR"] = "rm";
    await assert.rejects(edit(alone, { ...definition, write }), /has left no file/);
    process.env["EDITOR"] = "false";
    await assert.rejects(edit(alone, { ...definition, write }), /^Error: false has ended with status 1$/);
    assert.deepEqual(readdirSync(directory), before);
  });

  test("does not undo what somebody else has done meanwhile", async () => {
    process.env["EDITOR"] = "sed -i s/1/2/";
    let reads = 0;
    const read = async (): Promise<string> => `<a>1</a>${reads++ === 0 ? "" : " "}`;
    await assert.rejects(edit(where, { ...definition, read, write: async (text) => text }), /changed by another user/);
  });

  test("is how domains, networks and pools are changed", async () => {
    const run = async (name: string, what: string): Promise<string> => {
      let out = "";
      const output = { out: (text: string) => void (out += text), error: (text: string) => void (out += text) };
      await runVerb(name, ["--connect", "test:///default", what], { embed: true }, output);
      return out;
    };
    process.env["EDITOR"] = "sed -i s/2097152/1048576/";
    assert.equal(await run("edit", "test"), "Domain 'test' XML configuration edited.\n\n");
    process.env["EDITOR"] = "sed -i s/virbr0/virbr5/";
    assert.equal(await run("net-edit", "default"), "Network default XML configuration edited.\n\n");
    process.env["EDITOR"] = "sed -i s,/default-pool,/other,";
    assert.equal(await run("pool-edit", "default-pool"), "Pool default-pool XML configuration edited.\n\n");
  });
});
