import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type Option, optionsOf, readArgs } from "../../../src/cli/verbs/read-args.ts";
import { allVerbs } from "../../../src/cli/verbs/verb-groups.ts";

/**
 * What virsh 9.0 takes, a line for each verb, in the order of its help: what may be given by its place as it stands
 * ("?" behind one that may be left out, "..." behind a list, "#" behind a number), "--" before a flag, and before an option
 * that has to be named, with "=" behind it.
 */
const synopses = readFileSync(join(import.meta.dirname, "virsh-options.txt"), "utf8")
  .trim()
  .split("\n");

/** Options of virsh's that a verb does not have, and why. */
const missing: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  create: { console: "takes a terminal", "pass-fds": "Node's sockets pass no descriptors" },
  start: { console: "takes a terminal", "pass-fds": "Node's sockets pass no descriptors" },
  "qemu-monitor-command": { "pass-fds": "Node's sockets pass no descriptors" },
  undefine: Object.fromEntries(
    ["storage", "remove-all-storage", "delete-storage-volume-snapshots", "wipe-storage"].map((name) => [
      name,
      "deletes volumes, which vol-delete does",
    ]),
  ),
  "vol-upload": { sparse: "whole volumes are sent" },
  "vol-download": { sparse: "whole volumes are sent" },
  "secret-set-value": { interactive: "asks at a terminal" },
};
/** No verb has these. */
const nowhere: Readonly<Record<string, string>> = {
  xpath: "takes a library for XPath",
  wrap: "goes with --xpath",
};
/** Options that virsh does not have in help. */
const ours: Readonly<Record<string, readonly string[]>> = {
  "attach-disk": ["shareable"],
};

const nameOf = (option: string): string => option.replace(/^--/, "").replace(/[?.#=]+$/, "");
const isPlaced = (option: string): boolean => !option.startsWith("--");

function formOf({ name, kind, place, isNeeded, isNumber }: Option): string {
  if (kind === "flag") return `--${name}`;
  const text = `${name}${isNeeded || place === undefined ? "" : "?"}${kind === "list" ? "..." : ""}${isNumber === true ? "#" : ""}`;
  return place === undefined ? `--${text}=` : text;
}

suite("a verb's options are virsh's, and may be given by their places as there:", async () => {
  const verbs = await allVerbs();
  for (const synopsis of synopses) {
    const [verb = "", ...all] = synopsis.split(" ");
    test(verb, () => {
      const lacks: Readonly<Record<string, string>> = missing[verb] ?? {};
      const wanted = all.filter((each) => !Object.hasOwn(lacks, nameOf(each)) && !Object.hasOwn(nowhere, nameOf(each)));
      const definition = verbs[verb];
      assert.ok(definition !== undefined);
      const given = optionsOf(definition)
        .filter(({ name }) => name !== "json" && !(ours[verb] ?? []).includes(name))
        .map(formOf);
      assert.deepEqual(given.filter(isPlaced), wanted.filter(isPlaced));
      assert.deepEqual(given.filter((each) => !isPlaced(each)).sort(), wanted.filter((each) => !isPlaced(each)).sort());
      const known = all.map(nameOf);
      assert.deepEqual(
        Object.keys(lacks).filter((each) => !known.includes(each)),
        [],
        "virsh has no such option",
      );
    });
  }
});

test("what every tutorial writes is understood", async () => {
  const verbs = await allVerbs();
  const read = (line: string) => {
    const [name = "", ...args] = line.split(" ");
    const verb = verbs[name];
    assert.ok(verb !== undefined);
    return readArgs(name, verb, args);
  };
  const pool = read("pool-define-as pz dir - - - - /path");
  assert.deepEqual([pool.text("source-name"), pool.text("target")], ["-", "/path"]);
  assert.equal(read("save web /web.save /web.xml").text("xml"), "/web.xml");
  assert.equal(read("detach-interface web network 52:54:00:00:00:01").text("mac"), "52:54:00:00:00:01");
});
