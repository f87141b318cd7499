import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";

const root = join(import.meta.dirname, "../..");

/** A copy of the event core, in which a line can be added without disturbing anybody. */
const copy = mkdtempSync(join(root, "node_modules/.purity-"));
for (const file of ["tsconfig.base.json", ".oxlintrc.json"]) cpSync(join(root, file), join(copy, file));
cpSync(join(root, "src/event"), join(copy, "src/event"), { recursive: true });
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
after(() => rmSync(copy, { recursive: true }));

function run(command: string, args: readonly string[]): { status: number | null; output: string } {
  const path = `${join(root, "node_modules/.bin")}:${process.env["PATH"]}`;
  const options = { cwd: copy, encoding: "utf8", env: { ...process.env, PATH: path } } as const;
  const { status, stdout, stderr } = spawnSync(command, args, options);
  return { status, output: stdout + stderr };
}

function compile(line: string): { status: number | null; output: string } {
  writeFileSync(join(copy, "src/event/impure.ts"), `${line}\n`);
  return run("tsc", ["-b", "src/event"]);
}

function lint(line: string): { status: number | null; output: string } {
  writeFileSync(join(copy, "src/event/impure.ts"), `${line}\n`);
  return run("oxlint", ["--no-ignore", "src/event/impure.ts"]);
}

suite("the event core", () => {
  test("compiles and passes lint when nothing is added to it", () => {
    const { status, output } = compile("export {};");
    assert.equal(status, 0, output);
    const linted = lint("export {};");
    assert.equal(linted.status, 0, linted.output);
  });

  for (const [what, line] of [
    ["Node's timers", "export const timer: unknown = setTimeout(() => undefined, 1);"],
    ["Node's process", "export const platform: string = process.platform;"],
    ["a Node module", 'export { connect } from "node:net";'],
    ["the microtask queue", "queueMicrotask(() => undefined);"],
  ] as const) {
    test(`cannot name ${what}: the compiler says so`, () => {
      const { status, output } = compile(line);
      assert.notEqual(status, 0);
      assert.match(output, /impure\.ts.*error TS/);
    });
  }

  for (const [what, line] of [
    ["the time of day", "export const now: number = Date.now();"],
    ["the time of day, by way of Intl", "export const today: string = new Intl.DateTimeFormat().format();"],
    ["a random source", "export const dice: number = Math.random();"],
    ["a Node module", 'export { connect } from "node:net";'],
    ["Node's timers", "export const timer: unknown = setTimeout(() => undefined, 1);"],
  ] as const) {
    test(`cannot name ${what}: lint says so`, () => {
      const { status, output } = lint(line);
      assert.notEqual(status, 0);
      assert.match(output, /a pure layer knows time, chance and the machine only through its Host/);
    });
  }
});
