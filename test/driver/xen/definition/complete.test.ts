import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { dumpDefinition } from "../../../../src/driver/qemu/definition/dump.ts";
import { completeDefinition } from "../../../../src/driver/xen/definition/complete.ts";
import { Definition } from "../../../../src/model/index.ts";
import { defined, given, goldenNames } from "../golden-guests.ts";

suite("a guest of Xen", () => {
  for (const name of goldenNames) {
    test(`'${name}' is completed as libvirt's own driver does`, () => {
      const definition = Definition.parse(given(name), completeDefinition);
      assert.equal(dumpDefinition(definition, { secure: true }), defined(name));
    });

    test(`'${name}' stays as it is when it is completed again`, () => {
      const definition = Definition.parse(defined(name), completeDefinition);
      assert.equal(dumpDefinition(definition, { secure: true }), defined(name));
    });
  }
});
