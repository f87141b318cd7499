import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { calledIn } from "../../../src/daemon/access/object-names.ts";
import type { CallContext, DriverProcedures } from "../../../src/driver/driver.ts";
import { parsePool } from "../../../src/driver/storage/pool-definition.ts";
import { Definition } from "../../../src/model/index.ts";

const pool = { name: "images", uuid: "11111111-1111-4111-8111-111111111111" };
const procedures: DriverProcedures = { storagePoolLookupByUuid: () => ({ pool }) };
const source = { procedures, context: {} as CallContext, pause: async () => {} };
const nameOfObject = async (kind: string, args: object, from: typeof source): Promise<string | undefined> =>
  (await calledIn(kind, { ...args }, from)).name;
const named = (kind: string, xml: string, more: object = {}): Promise<string | undefined> =>
  nameOfObject(kind, { xml, ...more }, source);

suite("the name in a definition", () => {
  test("is the element that drivers read, whatever the root has for an attribute", async () => {
    for (const kind of ["domain", "network", "storage_pool"])
      assert.equal(await named(kind, "<object name='web-1'><name>db-1</name></object>"), "db-1", kind);
    assert.equal(
      await named("storage_vol", "<volume name='web-1'><name>db-1</name></volume>", { pool }),
      "images/db-1",
    );
    const disguised =
      "<domain type='test' name='web-1'><name>db-1</name><memory>1</memory><os><type>hvm</type></os></domain>";
    assert.equal(await named("domain", disguised), Definition.parse(disguised).name);
  });

  test("is the attribute of filters and interfaces, and of a binding its port's", async () => {
    for (const kind of ["nwfilter", "interface"])
      assert.equal(await named(kind, "<object name='db-1'><name>web-1</name></object>"), "db-1", kind);
    const binding = "<filterbinding name='web-1'><name>web-1</name><portdev name='vnet0'/></filterbinding>";
    assert.equal(await named("nwfilter_binding", binding), "vnet0");
  });

  test("is a secret's uuid, as the driver spells it, and none when the driver makes it up", async () => {
    const xml = (uuid: string): string => `<secret name='web-1'><name>web-1</name>${uuid}</secret>`;
    assert.equal(
      await named("secret", xml("<uuid> AAAAAAAA11114111-8111-111111111111\n</uuid>")),
      "aaaaaaaa-1111-4111-8111-111111111111",
    );
    for (const uuid of ["", "<uuid/>", "<uuid>web-1</uuid>"]) assert.equal(await named("secret", xml(uuid)), undefined);
  });

  test("is not known where it is missing or empty: a pool has its source's then", async () => {
    const dir = (name: string): string =>
      `<pool type='gluster'>${name}<source><host name='h'/><dir path='/'/><name>db-1</name></source></pool>`;
    assert.equal(parsePool(dir("<name/>")).name, "db-1");
    for (const name of ["", "<name/>", "<name></name>"])
      assert.equal(await named("storage_pool", dir(name)), undefined);
    assert.equal(await named("storage_vol", "<volume><name/></volume>", { pool }), undefined);
    assert.equal(await named("interface", "<interface name=''/>"), undefined);
    assert.equal(await named("domain", "<domain"), undefined);
  });

  test("is none of a device that the driver names; one that is there has that of the call", async () => {
    const xmlDesc = "<device name='mdev_1'><name>mdev_1</name></device>";
    assert.equal(await nameOfObject("node_device", { xmlDesc, flags: 0 }, source), undefined);
    assert.equal(await nameOfObject("node_device", { name: "mdev_2", xmlDesc, flags: 0 }, source), "mdev_2");
  });

  test("is not known of a pool, or in it, beside whose uuid stands another's name", async () => {
    const disguised = { ...pool, name: "mine" };
    assert.equal(await nameOfObject("storage_pool", { pool }, source), "images");
    assert.equal(await nameOfObject("storage_pool", { pool: disguised }, source), undefined);
    assert.equal(await named("storage_vol", "<volume><name>a</name></volume>", { pool: disguised }), undefined);
  });
});
