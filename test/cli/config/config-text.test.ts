import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseConfig } from "../../../src/cli/config/config-text.ts";

function parse(text: string): Record<string, unknown> {
  return Object.fromEntries(parseConfig(text, "f").map(({ key, value }) => [key, value]));
}

suite("parseConfig", () => {
  test("reads numbers, strings in three kinds of quotes, and lists", () => {
    const text = `
# a comment
a = 1
  b=-5   # behind a value
c = "double 'inside' # no comment"
d = 'single "inside" \\ '
e = """over
two lines"""
f = [ "one", # of
  'two' , ]
g = []
h = ""; i = +7`;
    assert.deepEqual(parse(text), {
      a: 1,
      b: -5,
      c: "double 'inside' # no comment",
      d: `single "inside" \\ `,
      e: "over\ntwo lines",
      f: ["one", "two"],
      g: [],
      h: "",
      i: 7,
    });
  });

  test("reads files without a last newline, with other newlines, and without anything", () => {
    assert.deepEqual(parse("a = 1\r\nb = 'x'\r\n"), { a: 1, b: "x" });
    assert.deepEqual(parse(" # nothing"), {});
    assert.deepEqual(parse(""), {});
  });

  test("knows the line of each key, behind values over several lines too", () => {
    const entries = parseConfig(`\n\na = """x\n\n"""\nb = [\n "y"\n]\nc = 1`, "f");
    assert.deepEqual(
      entries.map(({ key, line }) => [key, line]),
      [
        ["a", 3],
        ["b", 6],
        ["c", 9],
      ],
    );
  });

  for (const [text, message] of [
    ["a = ", /^f:1: expected a value for a: .* found the end of the line$/],
    ["\na 1", /^f:2: expected "=" and a value after a, found 1$/],
    ["a = b", /^f:1: expected a value for a: a whole number, a string in quotes or a list in brackets, found b$/],
    ['a = "b', /^f:1: expected a value for a: .*, found "b$/],
    ['a = "b\nc"', /^f:1: /],
    ["a = 1 2", /^f:1: expected the end of the line after the value of a, found 2$/],
    ['a = ["b"', /^f:1: expected "," or "\]" in the list of a, found the end of the line$/],
    ["a = [1]", /^f:1: expected a string in quotes, or "\]", in the list of a, found 1\]$/],
    ["= 1", /^f:1: expected a key, found = 1$/],
    ["a = 1\n\na = 2", /^f:3: a is already set in line 1: remove one of the two$/],
  ] as const) {
    test(`says what is wrong with ${JSON.stringify(text)}`, () => {
      assert.throws(() => parse(text), { name: "UsageError", message });
    });
  }
});
