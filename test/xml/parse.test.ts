import assert from "node:assert/strict";
import { test } from "node:test";
import { parseXml, XmlError } from "../../src/xml/index.ts";

function errorOf(source: string, limits = {}): XmlError {
  try {
    parseXml(source, limits);
  } catch (error) {
    assert.ok(error instanceof XmlError);
    return error;
  }
  throw new Error(`parsed: ${source}`);
}

test("everything that was written is in the tree, in order", () => {
  const { before, root, after } = parseXml(
    "<?xml version='1.0'?><!--head--><?pi body?><a x='1' y='2'> t <!--c--><b/><![CDATA[<raw>]]></a><!--tail-->",
  );
  assert.deepEqual(before, [
    { kind: "comment", value: "head" },
    { kind: "instruction", target: "pi", body: "body" },
  ]);
  assert.deepEqual(root.attributes, [
    { name: "x", value: "1" },
    { name: "y", value: "2" },
  ]);
  assert.deepEqual(
    root.children.map((node) => node.kind),
    ["text", "comment", "element", "text"],
  );
  assert.equal(root.text, " t <raw>");
  assert.deepEqual(after, [{ kind: "comment", value: "tail" }]);
});

test("elements are found by local name and namespace, whatever the prefix", () => {
  const { root } = parseXml("<d xmlns:q='urn:q'><arg n='1'/><q:arg n='2'/><p:arg xmlns:p='urn:q' n='3'/></d>");
  assert.deepEqual(
    root.all("arg", "urn:q").map((each) => each.attribute("n")),
    ["2", "3"],
  );
  assert.equal(root.first("arg")?.attribute("n"), "1");
  assert.equal(root.attribute("xmlns:q"), "urn:q");
});

test("an attribute may have any name that XML allows", () => {
  const { root } = parseXml("<a __proto__='1' constructor='2'/>");
  assert.equal(root.attribute("__proto__"), "1");
  assert.equal(root.attribute("constructor"), "2");
  assert.equal(root.attribute("toString"), undefined);
});

test("an error says where it is and shows the line", () => {
  const error = errorOf("<domain>\n <name>x</name></domian>");
  assert.equal(error.line, 2);
  assert.equal(error.excerpt, ` <name>x</name></domian>\n${"-".repeat(error.column - 1)}^`);
});

for (const [what, source] of [
  ["nothing at all", ""],
  ["no element", "hello"],
  ["what only XML 1.1 allows", "<?xml version='1.1'?><a>&#1;</a>"],
  ["an element left open", "<a><b></b>"],
  ["two roots", "<a/><b/>"],
  ["an attribute twice", "<a x='1' x='2'/>"],
  ["an unknown prefix", "<q:a/>"],
  ["an entity that XML does not have", "<a>&nbsp;</a>"],
  ["a control character", "<a>\u0001</a>"],
  ["a document type", "<!DOCTYPE a><a/>"],
  ["entities that blow up", "<!DOCTYPE a [<!ENTITY x 'xxxx'><!ENTITY y '&x;&x;'>]><a>&y;</a>"],
] as const) {
  test(`${what} is refused`, () => {
    assert.ok(errorOf(source).line >= 1);
  });
}

test("the five entities and numbers are read", () => {
  assert.equal(parseXml("<a>&lt;&gt;&amp;&apos;&quot;&#65;&#x1F600;</a>").root.text, "<>&'\"A😀");
});

test("depth and length are limited", () => {
  const nested = (depth: number): string => "<a>".repeat(depth) + "</a>".repeat(depth);
  assert.equal(parseXml(nested(256)).root.name, "a");
  assert.match(errorOf(nested(257)).message, /deeper than 256/);
  assert.match(errorOf("<a></a>", { length: 6 }).message, /longer than 6/);
});

test("the excerpt of a very long line is short", () => {
  const error = errorOf(`<a b='${"y".repeat(100_000)}<'/>`);
  assert.ok(error.excerpt.length < 200);
});

test("attributes and nodes are limited; text, and so layout, does not count", () => {
  const attributes = (count: number): string =>
    `<a ${Array.from({ length: count }, (_, index) => `b${index}=''`).join(" ")}/>`;
  assert.equal(parseXml(attributes(1_000)).root.attributes.length, 1_000);
  assert.match(errorOf(attributes(1_001)).message, /more than 1000 attributes/);
  const nodes = "<a b=''>\n <c/>\n <!-- d -->\n <?e?>\n <![CDATA[f]]>\n</a>";
  assert.equal(parseXml(nodes, { nodes: 5 }).root.children.length, 9);
  assert.match(errorOf(nodes, { nodes: 4 }).message, /more than 4 elements/);
});

test("a prefix means what the innermost element around says, and after it what it meant before", () => {
  const source = `<a xmlns='1' xmlns:p='2'><p:b xmlns:p='3' p:c='' xmlns=''><d/><p:d/></p:b><d/><p:d/><xml:e/></a>`;
  const { root } = parseXml(source);
  const uris = (element: typeof root): unknown[] => [element.uri, ...element.elements().map(uris)];
  assert.deepEqual(uris(root), ["1", ["3", [""], ["3"]], ["1"], ["2"], ["http://www.w3.org/XML/1998/namespace"]]);
  assert.match(errorOf("<a><p:b xmlns:p='1'/><p:c/></a>").message, /unbound namespace prefix: "p"/);
  assert.match(errorOf("<a p:b=''><c xmlns:p='1'/></a>").message, /unbound namespace prefix: "p"/);
});

test("an error of any length is told in few words", () => {
  const { message, excerpt } = errorOf(`<a ${"b".repeat(100_000)}='' ${"b".repeat(100_000)}=''/>`);
  assert.match(message, /^duplicate attribute: b+\.\.\.$/);
  assert.ok(message.length < 300 && excerpt.length < 200);
});

test("the excerpt is of the line where the error is, whatever ends lines", () => {
  for (const end of ["\n", "\r", "\r\n"]) {
    assert.equal(errorOf(`<a>${end}  <b></c>${end}</a>`).excerpt, "  <b></c>\n--------^");
  }
  assert.equal(errorOf("<a>😀😀</b>").excerpt, "<a>😀😀</b>\n--------^");
  const far = errorOf(`<a>${"😀".repeat(100)}</b>${"<c/>".repeat(100)}</a>`).excerpt;
  assert.equal(far, `${"😀".repeat(56)}</b>${"<c/>".repeat(5)}\n${"-".repeat(59)}^`);
});
