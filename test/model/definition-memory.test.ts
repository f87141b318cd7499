import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Definition } from "../../src/model/index.ts";
import type { Element } from "../../src/xml/index.ts";

setFlagsFromString("--expose_gc");
const collectGarbage = runInNewContext("gc") as () => void;

const xml = `<!-- before -->
<domain type='test' xmlns:q='http://example.org/q'>
  <name>kept</name>
  <uuid>11111111-2222-3333-4444-555555555555</uuid>
  <metadata><q:app q:v='a&quot;b'>text <q:b/> and <![CDATA[<more>]]></q:app><!-- inside --></metadata>
  <memory>1024</memory>
  <os><type>hvm</type></os>
  <q:unknown/>
</domain>`;

/** The tree is nobody's afterwards. */
async function dropped(tree: WeakRef<Element>): Promise<boolean> {
  for (let round = 0; round < 10 && tree.deref() !== undefined; round++) {
    await setImmediate();
    collectGarbage();
  }
  return tree.deref() === undefined;
}

test("a short definition is kept as text, and its tree is read again as it was", async () => {
  const definition = Definition.parse(xml);
  const before = structuredClone(plain(definition.root));
  const text = definition.toXml();
  assert.equal(await dropped(new WeakRef(definition.root)), true);
  assert.deepEqual(plain(definition.root), before);
  assert.equal(definition.toXml(), text);
  assert.equal(definition.root, definition.root, "while somebody reads it, it is one tree");
});

test("a long one keeps its tree: to read it again would hold up others", async () => {
  const long = xml.replace("<q:unknown/>", `<q:unknown>${"x".repeat(20_000)}</q:unknown>`);
  const definition = Definition.parse(long);
  assert.equal(await dropped(new WeakRef(definition.root)), false);
});

test("one that was changed keeps its tree until it has been written", async () => {
  const definition = Definition.parse(xml).with((root) => root.first("name")?.setText("other"));
  const tree = new WeakRef(definition.root);
  assert.equal(await dropped(tree), false);
  assert.match(definition.toXml(), /<name>other<\/name>/);
  assert.equal(await dropped(tree), true);
  assert.equal(definition.root.first("name")?.text, "other");
});

/** As values that can be compared, white space between elements left out. */
function plain(element: Element): unknown {
  return JSON.parse(
    JSON.stringify(element, (_, value: unknown) => {
      if (!Array.isArray(value)) return value;
      return value.filter(
        (each: { kind?: string; value?: string }) => each.kind !== "text" || each.value?.trim() !== "",
      );
    }),
  );
}
