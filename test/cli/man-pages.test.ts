import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { commandNames } from "../../src/cli/command-line.ts";
import { configKeys } from "../../src/cli/config/daemon-config.ts";
import { daemonUsage } from "../../src/cli/daemon.ts";
import { allVerbs, verbGroups } from "../../src/cli/verbs/verb-groups.ts";

const root = join(import.meta.dirname, "../..");
const directory = join(root, "docs/man");
const pages = readdirSync(directory).sort();

/** As a reader sees it: without macros, escapes and line breaks. */
function textOf(page: string): string {
  const lines = readFileSync(join(directory, page), "utf8").split("\n");
  return lines
    .map((line) => line.replace(/^\.(It )?([A-Z][a-z] )?/, ""))
    .join(" ")
    .replaceAll("\\(dq", '"');
}

function isHere(program: string): boolean {
  return spawnSync(program, ["--version"]).error === undefined;
}

suite("the man pages", () => {
  test("are what the package installs", () => {
    const { man } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { man: string[] };
    assert.deepEqual(man.toSorted(), pages.map((page) => `./docs/man/${page}`).toSorted());
  });

  for (const page of pages)
    test(`are well written: ${page}`, (context) => {
      const [program, ...args] = isHere("mandoc")
        ? ["mandoc", "-Tlint", "-Wwarning"]
        : ["groff", "-mandoc", "-ww", "-z"];
      if (!isHere(program as string))
        return context.skip("neither mandoc nor groff is here: sudo apt-get install mandoc");
      const { stdout, stderr, error } = spawnSync(program as string, [...args, join(directory, page)], {
        encoding: "utf8",
      });
      assert.equal(error, undefined);
      assert.equal(stdout + stderr, "");
    });

  test("tell of every command, and of the verbs by their groups", async () => {
    const text = textOf("virtwright.1");
    for (const name of [...commandNames, ...verbGroups.map(({ title }) => title)]) assert.ok(text.includes(name), name);
    const verbs = await allVerbs();
    const section = text.slice(text.indexOf("VERBS"), text.indexOf("ENVIRONMENT"));
    const named = section.match(/\b[a-z]+(-[a-z]+)*(?= [,.])/g) ?? [];
    assert.ok(named.length > 50, named.join());
    for (const verb of named) assert.ok(Object.hasOwn(verbs, verb), `${verb} is none of ours`);
  });

  test("tell of every option of the daemon's", () => {
    const text = textOf("virtwright-daemon.8")
      .replaceAll("Fl -", "--")
      .replaceAll(/^-|(?<= )-(?=[a-z])/g, "--");
    for (const [option] of daemonUsage.matchAll(/--[a-z-]+/g)) assert.ok(text.includes(option), option);
  });

  test("tell of every setting, its default, and when a change counts", () => {
    const source = readFileSync(join(directory, "virtwright.conf.5"), "utf8").replaceAll("\\(dq", '"');
    const words = { "at once": "at once", "new clients": "for new clients", restart: "after a restart" };
    for (const [name, { shown, effect }] of Object.entries(configKeys)) {
      if (effect === "never") {
        assert.match(source, new RegExp(`^\\.Va ${name} [,.]$`, "m"));
        continue;
      }
      const [, entry = ""] = source.split(`\n.It Va ${name}${shown === "" ? "" : ` = ${shown}`}\n`);
      assert.notEqual(entry, "", `${name} = ${shown}`);
      const [own = ""] = entry.split(/\n\.It |\n\.El/);
      assert.ok(own.endsWith(`.Pq ${words[effect]}`), `${name}: ${own}`);
    }
  });
});
