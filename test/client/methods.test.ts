import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { suite, test } from "node:test";
import {
  flagWords,
  type Kind,
  methodName,
  ownerOf,
  type RowName,
  rowNames,
  wordedRows,
} from "../../src/client/index.ts";
import { type Call, type Procedure, remote } from "../../src/protocol/index.ts";
import { ClientWorld } from "./client-world.ts";

suite("the methods of the library", () => {
  test("are all calls of libvirt's main program, but for those that the library makes itself", () => {
    const calls = Object.entries<Procedure>(remote.procedures).filter(([, row]) => row.kind === "call");
    const methods: ReadonlySet<string> = new Set(rowNames);
    const own = calls.map(([name]) => name).filter((name) => !methods.has(name));
    assert.deepEqual(own.sort(), [
      "authList",
      "authPolkit",
      "authSaslInit",
      "authSaslStart",
      "authSaslStep",
      "connectClose",
      "connectDomainEventCallbackDeregisterAny",
      "connectDomainEventCallbackRegisterAny",
      "connectDomainEventDeregister",
      "connectDomainEventDeregisterAny",
      "connectDomainEventRegister",
      "connectDomainEventRegisterAny",
      "connectNetworkEventDeregisterAny",
      "connectNetworkEventRegisterAny",
      "connectNodeDeviceEventDeregisterAny",
      "connectNodeDeviceEventRegisterAny",
      "connectOpen",
      "connectRegisterCloseCallback",
      "connectSecretEventDeregisterAny",
      "connectSecretEventRegisterAny",
      "connectStoragePoolEventDeregisterAny",
      "connectStoragePoolEventRegisterAny",
      "connectUnregisterCloseCallback",
    ]);
  });

  test("have names of their own within each kind of objects", () => {
    const names = rowNames.map((row) => `${ownerOf(row).kind}.${methodName(row)}`);
    assert.equal(new Set(names).size, names.length);
  });

  test("are called as in libvirt, without what the object says already", () => {
    const named = (row: RowName): string => `${ownerOf(row).kind}.${methodName(row)}`;
    assert.equal(named("domainGetXmlDesc"), "domain.getXmlDesc");
    assert.equal(named("domainSnapshotCreateXml"), "domain.snapshotCreateXml");
    assert.equal(named("domainRevertToSnapshot"), "snapshot.revertToSnapshot");
    assert.equal(named("domainSnapshotGetParent"), "snapshot.getParent");
    assert.equal(named("storageVolLookupByName"), "storagePool.volLookupByName");
    assert.equal(named("storagePoolLookupByVolume"), "volume.poolLookupByVolume");
    assert.equal(named("nodeDeviceReset"), "nodeDevice.reset");
    assert.equal(named("nodeDeviceLookupByName"), "connection.nodeDeviceLookupByName");
    assert.equal(named("connectGetHostname"), "connection.getHostname");
    assert.equal(named("nwfilterBindingDelete"), "nwfilterBinding.delete");
  });

  test("are there on every object", async () => {
    const world = new ClientWorld();
    const connection = await world.open();
    const methods = (kind: Kind | "connection"): string[] =>
      rowNames.filter((row) => ownerOf(row).kind === kind).map((row) => methodName(row));
    for (const name of methods("connection")) assert.equal(typeof Reflect.get(connection, name), "function", name);
    world.serving.driver.define("hello");
    const domain = await world.settle(connection.domain("hello"));
    for (const name of methods("domain")) assert.equal(typeof Reflect.get(domain, name), "function", name);
  });

  /** The type of the rows says the same as the table, or this does not compile. */
  test("stand in the types", () => {
    const typed: readonly RowName[] = ["domainGetXmlDesc", "storageVolUpload"];
    // @ts-expect-error -- the library makes this call itself
    const untyped: readonly RowName[] = ["connectOpen"];
    assert.equal(typed.length + untyped.length, 3);
  });
});

suite("the words for flags", () => {
  test("belong to rows that take flags", () => {
    for (const row of wordedRows) {
      assert.ok("flags" in ((remote.procedures as Record<string, unknown>)[row] as Call).args.fields, row);
    }
  });

  test("are libvirt's, with its numbers", (context) => {
    const script =
      "import libvirt,json;print(json.dumps({n:getattr(libvirt,n) for n in dir(libvirt) if n.startswith('VIR_') and isinstance(getattr(libvirt,n),int)}))";
    const { status, stdout } = spawnSync("/usr/bin/python3", ["-c", script], { encoding: "utf8" });
    if (status !== 0) return context.skip("python3-libvirt is not installed");
    const constants = Object.entries(JSON.parse(stdout) as Record<string, number>);
    for (const row of wordedRows) {
      for (const [word, bit] of Object.entries(flagWords(row))) {
        const end = `_${word.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
        const found = constants.some(([name, value]) => name.endsWith(end) && value === bit);
        assert.ok(found, `${row}: ${word} is ${bit}`);
      }
    }
  });
});
