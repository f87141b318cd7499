import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { allowsReadOnly, holesAllowed, remote } from "../../src/protocol/index.ts";

const rows = remote.procedures;

describe("what a row says of a call with these arguments", () => {
  it("is whether a read-only connection may make it", () => {
    assert.equal(allowsReadOnly(rows.domainGetState.readOnly, {}), true);
    assert.equal(allowsReadOnly(rows.domainCreate.readOnly, {}), false);
    for (const [flags, allowed] of [
      [0, true],
      [2, true],
      [1, false],
      [8, false],
      [11, false],
    ] as const) {
      assert.equal(allowsReadOnly(rows.domainGetXmlDesc.readOnly, { flags }), allowed, String(flags));
    }
    const addresses = rows.domainInterfaceAddresses.readOnly;
    assert.equal(allowsReadOnly(addresses, { source: 0, flags: 1 }), true);
    assert.equal(allowsReadOnly(addresses, { source: 1, flags: 0 }), false);
    assert.equal(allowsReadOnly(addresses, {}), false, "what cannot be seen is not allowed");
  });

  it("is whether its stream may have holes", () => {
    assert.equal(holesAllowed(rows.storageVolUpload, { flags: 1 }), true);
    assert.equal(holesAllowed(rows.storageVolUpload, { flags: 2 }), false);
    assert.equal(holesAllowed(rows.domainOpenConsole, { flags: 1 }), false);
  });
});
