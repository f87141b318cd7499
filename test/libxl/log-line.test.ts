import assert from "node:assert/strict";
import { test } from "node:test";
import { levelNumber, parseLogLine } from "../../src/libxl/log-line.ts";

test("a line of libxl's log has a level, a source and a message", () => {
  assert.deepEqual(parseLogLine("libxl: error: libxl_dom.c:1: Domain 3:no such file: No such file or directory"), {
    level: "error",
    source: "libxl",
    message: "libxl_dom.c:1: Domain 3:no such file: No such file or directory",
  });
  assert.deepEqual(parseLogLine("debug: x"), { level: "debug", source: "", message: "x" });
});

test("a line without a level belongs to the one before", () => {
  const before = parseLogLine("xc: warning: first");
  assert.deepEqual(parseLogLine("second: third", before), { level: "warning", source: "xc", message: "second: third" });
  assert.equal(parseLogLine("lost").level, "notice");
});

test("levels are numbered as the library does", () => {
  assert.deepEqual([levelNumber("debug"), levelNumber("info"), levelNumber("critical")], [1, 5, 9]);
});
