import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { splitLine } from "../../../src/cli/shell/split-line.ts";

suite("a line of the shell", () => {
  test("is split into commands, and those into words", () => {
    assert.deepEqual(splitLine(" list  --all; net-list\nuri ;; "), [["list", "--all"], ["net-list"], ["uri"]]);
    assert.deepEqual(splitLine(""), []);
  });

  test("keeps together what is quoted", () => {
    assert.deepEqual(splitLine(`echo 'a b' "c \\"d\\" ;" e\\ f g'h'"i" ''`), [
      ["echo", "a b", 'c "d" ;', "e f", "ghi", ""],
    ]);
  });

  test("may have a comment", () => {
    assert.deepEqual(splitLine("# all\nlist a#b 'c'#d # those; that run\nuri"), [["list", "a#b", "c#d"], ["uri"]]);
  });

  test("has to end its quotes", () => {
    assert.throws(() => splitLine("echo 'a"), { message: "missing '" });
    assert.throws(() => splitLine('echo "a\\"'), { message: 'missing "' });
    assert.throws(() => splitLine("echo \\"), { message: "dangling \\" });
  });
});
