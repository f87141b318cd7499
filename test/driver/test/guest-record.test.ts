import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseDefinition } from "../../../src/driver/test/canonical.ts";
import { defaultDomain } from "../../../src/driver/test/default-domain.ts";
import { Guest } from "../../../src/driver/test/guest.ts";
import { readGuest, writeGuest } from "../../../src/driver/test/guest-record.ts";

describe("a guest's record", () => {
  it("has what is known of I/O threads, and checkpoints of which nobody has said the definition", () => {
    const guest = new Guest(parseDefinition(defaultDomain));
    guest.polling.push({ id: 3, maxNs: 18_446_744_073_709_551_615n, grow: 2, shrink: 0 });
    const disks = [{ name: "vda", bitmap: "bits" }, { name: "vdb" }];
    const common = { description: undefined, createdAt: 5, disks };
    guest.checkpoints.set({ ...common, name: "old", parent: undefined, definition: undefined });
    guest.checkpoints.set({ ...common, name: "new", parent: "old", definition: guest.definition });
    const again = readGuest(writeGuest(guest));
    assert.deepEqual(again.polling, guest.polling);
    assert.deepEqual(again.checkpoints.get("old").disks, disks);
    assert.equal(again.checkpoints.get("old").definition, undefined);
    assert.equal(again.checkpoints.get("new").definition?.toXml(), guest.definition.toXml());
    assert.equal(writeGuest(again), writeGuest(guest));
  });
});
