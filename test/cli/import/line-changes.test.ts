import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { lineChanges } from "../../../src/cli/import/line-changes.ts";

suite("changes of lines", () => {
  test("what is the same has none", () => assert.deepEqual(lineChanges("a\nb\n", "a\nb\n"), []));

  test("a line that is another goes and comes", () => {
    assert.deepEqual(lineChanges("a\nb\nc", "a\nx\nc"), ["-b", "+x"]);
  });

  test("lines are added and taken away at any place", () => {
    assert.deepEqual(lineChanges("b\nc", "a\nb\nc\nd"), ["+a", "+d"]);
    assert.deepEqual(lineChanges("a\nb\nc\nd", "b\nc"), ["-a", "-d"]);
    assert.deepEqual(lineChanges("", "a"), ["-", "+a"]);
  });

  test("they lead from one text to the other, and keep what both have in order", () => {
    const lines = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 8 });
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const changes = lineChanges(before.join("\n"), after.join("\n"));
        const gone = changes.filter((line) => line.startsWith("-")).length;
        const come = changes.filter((line) => line.startsWith("+")).length;
        const [one, other] = [before.join("\n").split("\n"), after.join("\n").split("\n")];
        assert.equal(one.length - gone, other.length - come);
        assert.equal(one.length - gone, longestCommon(one, other));
      }),
    );
  });
});

/** By its definition, for short lists. */
function longestCommon(one: readonly string[], other: readonly string[]): number {
  if (one.length === 0 || other.length === 0) return 0;
  const [[a, ...as], [b, ...bs]] = [one, other];
  if (a === b) return 1 + longestCommon(as, bs);
  return Math.max(longestCommon(as, other), longestCommon(one, bs));
}
