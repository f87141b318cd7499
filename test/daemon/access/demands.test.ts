import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { aclOf, demandsOf } from "../../../src/daemon/access/demands.ts";
import { type Procedure, qemu, remote, virtwright } from "../../../src/protocol/index.ts";

const asked = (acl: string, args: Readonly<Record<string, unknown>>): string[] =>
  demandsOf(acl, args).demands.map(({ permission }) => permission);

suite("what a call asks for", () => {
  test("depends on its flags where the column says so", () => {
    const { acl } = remote.procedures.domainAttachDeviceFlags;
    assert.deepEqual(asked(acl, { flags: 0 }), ["domain:write", "domain:save"]);
    assert.deepEqual(asked(acl, { flags: 1 }), ["domain:write"]);
    assert.deepEqual(asked(acl, { flags: 3 }), ["domain:write", "domain:save"]);
    const xml = remote.procedures.domainGetXmlDesc.acl;
    assert.deepEqual(asked(xml, { flags: 2 }), ["domain:read"]);
    assert.deepEqual(asked(xml, { flags: 1 }), ["domain:read", "domain:read_secure"]);
    const addresses = remote.procedures.domainInterfaceAddresses.acl;
    assert.deepEqual(asked(addresses, { flags: 0, source: 0 }), ["domain:read"]);
    assert.deepEqual(asked(addresses, { flags: 0, source: 1 }), ["domain:read", "domain:write"]);
  });

  test("says of lists what is needed of each object", () => {
    const { demands, filter } = demandsOf(remote.procedures.connectListAllDomains.acl, {});
    assert.deepEqual(
      [demands.map(({ permission }) => permission), filter?.permission],
      [["connect:search_domains"], "domain:getattr"],
    );
  });

  test("is known for every row: no condition is one that we do not know, and every changing call asks for something", () => {
    const mild: string[] = [];
    for (const { procedures } of [remote, qemu, virtwright])
      for (const [name, row] of Object.entries<Procedure>(procedures)) {
        if (row.kind !== "call") continue;
        for (const token of row.acl.split(" ").filter((each) => each.includes(":"))) {
          const [, , ...condition] = token.split(":");
          if (condition.length === 0) continue;
          const bare = asked(token, { flags: 0, source: 0 }).length;
          const set = asked(token, { flags: 0xff, source: 0xff }).length;
          assert.notEqual(bare, set, `${name}: ${token} does not depend on flags`);
        }
        if (row.readOnly !== "denied" || row.api === null) continue;
        // All flags set: what is asked for then at most.
        const permissions = asked(aclOf(name, row.acl), { flags: 0xff, source: 0xff });
        if (permissions.every((each) => /:(getattr|read|search_.*)$/.test(each))) mild.push(name);
      }
    // Not for read-only connections, and changing nothing.
    assert.deepEqual(mild, ["nodeGetSevInfo", "domainGetLaunchSecurityInfo", "nodeDeviceGetAutostart"]);
  });
});
