import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Logger } from "../../../src/cli/log/logger.ts";
import { LoggerControl } from "../../../src/cli/log/logger-control.ts";

const settings = { level: 3, filters: [], outputs: [{ level: 1, kind: "stderr" }] } as const;

function control(): { log: LoggerControl; write: (source: string, level: "debug" | "warn") => number } {
  const lines: string[] = [];
  const logger = new Logger(settings, { stderr: (text) => lines.push(text) });
  const write = (source: string, level: "debug" | "warn"): number => {
    logger.write({ level, source, message: "text" });
    return lines.splice(0).length;
  };
  return { log: new LoggerControl(logger, settings), write };
}

suite("a log in the hands of its administrator", () => {
  test("says what is set, in libvirt's form", () => {
    const { log } = control();
    assert.deepEqual([log.filters, log.outputs], ["", "3:stderr"]);
    log.setFilters("1:rpc 4:*qemu*");
    log.setOutputs("2:stderr 3:file:/dev/null");
    assert.deepEqual([log.filters, log.outputs], ["1:*rpc* 4:*qemu* ", "2:stderr 3:file:/dev/null"]);
  });

  test("does what is set, until the file is read again", () => {
    const { log, write } = control();
    assert.equal(write("rpc", "debug"), 0);
    log.setFilters("1:rpc");
    assert.equal(write("rpc", "debug"), 1);
    log.setFilters("");
    assert.equal(write("rpc", "debug"), 0);
    log.setOutputs("4:stderr");
    assert.equal(write("rpc", "warn"), 0);
    log.setOutputs("");
    assert.equal(write("rpc", "warn"), 1);
    log.setFilters("4:rpc");
    log.follow(settings);
    assert.equal(write("rpc", "warn"), 1);
  });

  test("refuses in libvirt's words, and changes nothing", () => {
    const { log } = control();
    for (const [set, text, message] of [
      ["setFilters", "rpc", "Malformed format for filter 'rpc'"],
      ["setFilters", "9:rpc", "Invalid priority '9' for filter '9:rpc'"],
      ["setOutputs", "stderr", "Malformed format for log output 'stderr'"],
      ["setOutputs", "0:stderr", "Invalid log priority '0' for log output '0:stderr'"],
    ] as const)
      assert.throws(() => log[set](text), { name: "RangeError", message });
    assert.throws(() => log.setOutputs("1:file:/no/such/directory/log"), { code: "ENOENT" });
    assert.deepEqual([log.filters, log.outputs], ["", "3:stderr"]);
  });
});
