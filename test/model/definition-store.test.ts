import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Definition, DefinitionStore } from "../../src/model/index.ts";

const uuid = "04c6774c-a016-4ca7-8d75-9930f0bbbd69";
const definition = Definition.parse(
  `<domain type='qemu'><name>hello</name><uuid>${uuid}</uuid><memory>1024</memory><os><type>hvm</type></os><!--kept--></domain>`,
);

async function directory(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "virtwright-store-"));
  context.after(() => rm(path, { recursive: true }));
  return join(path, "deep", "qemu");
}

test("what is saved is loaded by the next store, word for word", async (context) => {
  const path = await directory(context);
  const store = new DefinitionStore(path);
  assert.deepEqual(await store.load(), { definitions: [], unreadable: [] });
  await store.save(definition);
  const { definitions } = await new DefinitionStore(path).load();
  assert.deepEqual(
    definitions.map((each) => each.toXml()),
    [definition.toXml()],
  );
  assert.deepEqual(await readdir(path), [`${uuid}.xml`], "no temporary file is left");
});

test("what is removed is gone, and removing twice is no error", async (context) => {
  const store = new DefinitionStore(await directory(context));
  await store.load();
  await store.save(definition);
  await store.remove(uuid);
  await store.remove(uuid);
  assert.deepEqual((await store.load()).definitions, []);
});

test("what cannot be read is reported, kept, and neither written over nor removed", async (context) => {
  const path = await directory(context);
  await new DefinitionStore(path).load();
  const file = join(path, `${uuid}.xml`);
  await writeFile(file, "<domain");
  const store = new DefinitionStore(path);
  const { definitions, unreadable } = await store.load();
  assert.deepEqual([definitions.length, unreadable.map((each) => each.path)], [0, [file]]);
  await assert.rejects(store.save(definition), /could not be read: move it away/);
  await store.remove(uuid);
  assert.equal(await readFile(file, "utf8"), "<domain");
  await rm(file);
  await store.save(definition);
  assert.equal(await readFile(file, "utf8"), definition.toXml(), "moved away, it is in nobody's way");
});

test("what a writing that came to no end has left is not read, and removed", async (context) => {
  const path = await directory(context);
  await new DefinitionStore(path).load();
  await writeFile(join(path, `${uuid}.xml.new`), definition.toXml().slice(0, 20));
  await writeFile(join(path, "notes.new"), "not ours");
  assert.deepEqual(await new DefinitionStore(path).load(), { definitions: [], unreadable: [] });
  assert.deepEqual(await readdir(path), ["notes.new"]);
});

test("a file under another's name is not believed", async (context) => {
  const path = await directory(context);
  const store = new DefinitionStore(path);
  await store.load();
  await writeFile(join(path, "hello.xml"), definition.toXml());
  const { definitions, unreadable } = await store.load();
  assert.equal(definitions.length, 0);
  assert.match(unreadable[0]?.error.message ?? "", /another uuid than its file: rename it to/);
});

test("a write that fails leaves the old definition, and no temporary file", async (context) => {
  const path = await directory(context);
  const store = new DefinitionStore(path);
  await store.load();
  await store.save(definition);
  const broken = Object.create(definition, { toXml: { value: () => Symbol("not to be written") } }) as Definition;
  await assert.rejects(store.save(broken));
  assert.deepEqual(await readdir(path), [`${uuid}.xml`]);
  assert.equal((await store.load()).definitions.length, 1);
});
