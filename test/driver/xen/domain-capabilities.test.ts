import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { domainCapabilities } from "../../../src/driver/xen/domain-capabilities.ts";
import { VirError } from "../../../src/protocol/index.ts";
import { writeXml } from "../../../src/xml/index.ts";

const nothing = { emulator: null, arch: null, machine: null, virttype: null };

suite("what a guest of Xen may have", () => {
  for (const machine of ["xenpv", "xenpvh", "xenfv"]) {
    test(`as '${machine}' is what libvirt says`, () => {
      const text = readFileSync(join(import.meta.dirname, `domain-capabilities/${machine}.xml`), "utf8");
      assert.equal(writeXml(domainCapabilities({ ...nothing, machine })).trim(), text.trim());
    });
  }

  test("is not told of others' machines", () => {
    for (const asked of [{ machine: "pc" }, { virttype: "kvm" }, { machine: "toString" }, { arch: "foo" }]) {
      assert.throws(() => domainCapabilities({ ...nothing, ...asked }), VirError);
    }
  });
});
