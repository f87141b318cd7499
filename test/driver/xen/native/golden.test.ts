import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { dumpDefinition } from "../../../../src/driver/qemu/definition/dump.ts";
import { configOf, definitionOf } from "../../../../src/driver/xen/configuration/index.ts";
import { completeDefinition } from "../../../../src/driver/xen/definition/complete.ts";
import { readConfig } from "../../../../src/driver/xen/native/index.ts";
import { Definition } from "../../../../src/model/index.ts";

/** Files of xl's and xm's, and what libvirt's own driver makes of them. */
const directory = fileURLToPath(new URL("golden", import.meta.url));
const files = readdirSync(directory).filter((name) => /\.x[lm]$/.test(name));

/** What libvirt reads otherwise, and why ours is what xl does. */
const otherwise: Readonly<Record<string, string>> = {
  "hvm-ovmf.xl": "xl's `vga` is passed over",
  "hvm.xm": "a mask of processors counts for nothing without `maxvcpus`",
  "pv-vcpus.xl": "`cpus` is kept as the definition's set of processors, which does not reach libxl",
  "pv-comments.xl": "a semicolon does not end a statement",
};

suite("a file of xl's", () => {
  test("is kept at least fifteen times", () => assert.ok(files.length >= 15));

  for (const name of files) {
    const text = readFileSync(join(directory, name), "utf8");
    const theirs = join(directory, `${name}.xml`);

    test(`'${name}' becomes the guest that libvirt makes of it`, { skip: otherwise[name] ?? false }, () => {
      const expected = Definition.parse(readFileSync(theirs, "utf8"), completeDefinition);
      // Passwords are not shown.
      const ours = dumpDefinition(definitionOf(readConfig(text, name.endsWith(".xm") ? "xm" : "xl")));
      assert.deepEqual(configOf(Definition.parse(ours, completeDefinition)), configOf(expected));
    });
  }
});
