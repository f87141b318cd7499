import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Element, type Node, parseXml, text, writeXml } from "../../src/xml/index.ts";

test("elements stand on lines of their own, two spaces a level, with single quotes", () => {
  const source = `<domain type="qemu"><name>x</name><!-- kept --><devices><disk  a="1"></disk>\n\n</devices></domain>`;
  assert.equal(
    writeXml(parseXml(source)),
    `<domain type='qemu'>
  <name>x</name>
  <!-- kept -->
  <devices>
    <disk a='1'/>
  </devices>
</domain>
`,
  );
});

test("text and attributes are escaped as libvirt does", () => {
  const element = new Element("a", { b: `<>&'"` }, [text(`<>&'"`)]);
  assert.equal(writeXml(element), "<a b='&lt;&gt;&amp;&apos;&quot;'>&lt;&gt;&amp;&apos;&quot;</a>\n");
});

test("what XML has no way to write is left out", () => {
  const all = Array.from({ length: 0xa0 }, (_, code) => String.fromCharCode(code)).join("") + "\ufffe\uffff\u{1f600}";
  const element = new Element("a", { b: all }, [text(all)]);
  const again = parseXml(writeXml(element)).root;
  // oxlint-disable-next-line no-control-regex
  const rest = all.replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "");
  assert.deepEqual([again.text, again.attribute("b")], [rest, rest]);
});

test("an element with text beside elements is written as it was", () => {
  const source = "<p>one <b>two</b>\n three<![CDATA[ <4> ]]></p>";
  assert.equal(writeXml(parseXml(source)), `${source}\n`);
});

test("white space alone in an element is content", () => {
  assert.equal(writeXml(parseXml("<a><title> </title></a>")), "<a>\n  <title> </title>\n</a>\n");
});

test("what stands around the root is written around it", () => {
  assert.equal(writeXml(parseXml("<!--one--><a/><?two 2?>")), "<!--one-->\n<a/>\n<?two 2?>\n");
});

test("a child is inserted behind its predecessors, or first of all", () => {
  const { root } = parseXml("<a>\n  <b/>\n  <d/>\n</a>");
  root.insertAfter(["a", "b"], new Element("c"));
  root.insertAfter(["z"], new Element("y"));
  assert.deepEqual(
    root.elements().map(({ name }) => name),
    ["y", "b", "c", "d"],
  );
  const empty = new Element("e");
  empty.insertAfter([], new Element("f"));
  assert.equal(writeXml(empty), "<e>\n  <f/>\n</e>\n");
});

test("a clone shares nothing with its original", () => {
  const { root } = parseXml("<a x='1'><b>t</b></a>");
  const copy = root.clone();
  copy.setAttribute("x", "2");
  copy.first("b")?.setText("u");
  assert.equal(writeXml(root, { layout: "verbatim" }), "<a x='1'><b>t</b></a>");
  assert.equal(writeXml(copy, { layout: "verbatim" }), "<a x='2'><b>u</b></a>");
});

const name = fc.constantFrom("a", "b", "disk", "_x-1.2");
const characters = fc.string({
  unit: fc.constantFrom("x", "<", ">", "&", "'", '"', " ", "\n", "\t", "\r", "é", "😀", "]"),
});
const leaf: fc.Arbitrary<Node> = fc.oneof(
  characters.filter((value) => value !== "").map(text),
  fc.constantFrom("c", "two words").map((value): Node => ({ kind: "comment", value })),
  fc.constantFrom("<&>", "x]]y").map((value): Node => ({ kind: "text", value, cdata: true })),
);
const { element } = fc.letrec<{ element: Element; node: Node }>((tie) => ({
  element: fc
    .tuple(name, fc.dictionary(name, characters), fc.array(tie("node"), { maxLength: 4, depthIdentifier: "depth" }))
    .map(([name, attributes, children]) => new Element(name, attributes, children)),
  node: fc.oneof({ depthIdentifier: "depth", maxDepth: 4 }, leaf, tie("element")),
}));

/** Neighbouring texts are one text once they are written. */
function merged(element: Element): Element {
  const children: Node[] = [];
  for (const node of element.children) {
    const last = children.at(-1);
    if (node.kind === "text" && last?.kind === "text" && !node.cdata && !last.cdata) {
      children[children.length - 1] = text(last.value + node.value);
    } else children.push(node.kind === "element" ? merged(node) : node);
  }
  const copy = new Element(element.name, {}, children);
  copy.attributes.push(...element.attributes);
  return copy;
}

test("what is written verbatim reads back the same", () => {
  fc.assert(
    fc.property(element, (element) => {
      assert.deepEqual(parseXml(writeXml(element, { layout: "verbatim" })).root, merged(element));
    }),
  );
});

test("libvirt's layout is stable: read and written again it is the same text", () => {
  fc.assert(
    fc.property(element, (element) => {
      const once = writeXml(element);
      assert.equal(writeXml(parseXml(once)), once);
    }),
  );
});
