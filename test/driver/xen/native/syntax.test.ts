import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseAssignments, type Value, writeAssignments } from "../../../../src/driver/xen/native/syntax.ts";
import { ErrorCode, VirError } from "../../../../src/protocol/index.ts";

const parse = (source: string): Record<string, Value> => Object.fromEntries(parseAssignments(source));

suite("the language of xl's configurations", () => {
  test("has texts, numbers and lists", () => {
    const source = "a = 'x'\nb=\"y\" ; c = 0x10\nd = [ 'p', 2,\n  [ 'q' ], ] # a comment\ne=010\nf=-3";
    assert.deepEqual(parse(source), { a: "x", b: "y", c: 16, d: ["p", 2, ["q"]], e: 8, f: -3 });
  });

  test("has escapes and long texts", () => {
    assert.deepEqual(parse(String.raw`a = "\"\\\n\x41\101\q"`), { a: '"\\\nAA\\q' });
    assert.deepEqual(parse('a = """one\n"two" """'), { a: 'one\n"two" ' });
  });

  test("takes the last of one name, and adds with +=", () => {
    assert.deepEqual(parse("a=1\na=2\nb=['x']\nb+=['y']\nc='x'\nc+='y'"), { a: 2, b: ["x", "y"], c: "xy" });
  });

  test("is written as it is read", () => {
    const values: [string, Value][] = [
      ["a", 'b"\\\n\t'],
      ["c", -7],
      ["d", ["e", ["f", 1]]],
      ["g", []],
    ];
    assert.deepEqual([...parseAssignments(writeAssignments(values))], values);
  });

  const attacks: Readonly<Record<string, string>> = {
    "a name alone": "a",
    "no value": "a =",
    "no name": "= 1",
    "a text without an end": 'a = "b',
    "a text over two lines": 'a = "b\nc"',
    "a long text without an end": 'a = """b"',
    "a list without an end": "a = [ 'b',",
    "a list without commas": "a = [ 'b' 'c' ]",
    "two commas": "a = [ 'b',, 'c' ]",
    "a list closed twice": "a = [ 'b' ] ]",
    "two values": "a = 1 2",
    "a bare word": "a = true",
    "a number that is none": "a = 12x",
    "a number with a point": "a = 1.5",
    "a number too large": "a = 99999999999999999999",
    "a zero byte": 'a = "b\\x00"',
    "a deep list": `a = ${"[".repeat(1_000)}`,
    "deep lists that end": `a = ${"[".repeat(100)}${"]".repeat(100)}`,
    "many values": `a = [${"1,".repeat(70_000)}]`,
    "many assignments": Array.from({ length: 5_000 }, (_, at) => `a${at}=1`).join("\n"),
    "a long text": `a = "${"b".repeat(1_100_000)}"`,
    "a control character": "\u0001 = 1",
    Python: "import os\nname = 'a'",
    "an expression": "a = 'b' + 'c'",
  };
  for (const [what, source] of Object.entries(attacks)) {
    test(`has not ${what}`, () => {
      const started = process.hrtime.bigint();
      assert.throws(
        () => parseAssignments(source),
        (error) => error instanceof VirError && error.code === ErrorCode.confSyntax,
      );
      assert.ok(process.hrtime.bigint() - started < 2_000_000_000n);
    });
  }
});
