import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { type LogSettings, parseLogFilters, parseLogOutputs } from "../../../src/cli/log/log-settings.ts";
import { Logger } from "../../../src/cli/log/logger.ts";
import type { LogEntry } from "../../../src/daemon/index.ts";

const directory = mkdtempSync(join(tmpdir(), "virtwright-log-"));
after(() => rmSync(directory, { recursive: true }));
const clock = (): number => Date.UTC(2026, 10, 24, 1, 2, 3, 456);

function settings(level: 1 | 2 | 3 | 4, outputs: string, filters = ""): LogSettings {
  return { level, filters: parseLogFilters(filters), outputs: parseLogOutputs(outputs) };
}

/** What of `entries` goes to standard error. */
function written(using: LogSettings, ...entries: LogEntry[]): string {
  let text = "";
  const logger = new Logger(using, { clock, stderr: (line) => (text += line) });
  for (const entry of entries) logger.write(entry);
  logger.close();
  return text.replaceAll(`: ${process.pid}: `, ": PID: ");
}

const entry = (level: LogEntry["level"], source: string, message = "text"): LogEntry => ({ level, source, message });
const all = (["debug", "info", "warn", "error"] as const).map((level) => entry(level, "rpc", level));

suite("Logger", () => {
  test("writes an entry as libvirt does", () => {
    assert.equal(
      written(settings(3, "1:stderr"), entry("warn", "daemon")),
      "2026-11-24 01:02:03.456+0000: PID: warning : daemon : text\n",
    );
  });

  test("names the client, and keeps to one line whatever it has made us say", () => {
    const text = written(settings(1, "1:stderr"), { ...entry("debug", "rpc", "a\nb\u2028c\u001b[1m"), peer: 7 });
    assert.match(text, /: debug : rpc : client 7: a\\nb\\u2028c\\u001b\[1m\n$/);
  });

  test("writes from its level on, and to each output from that one's", () => {
    assert.equal(written(settings(2, "1:stderr"), ...all).match(/\n/g)?.length, 3);
    assert.equal(written(settings(4, "1:stderr"), ...all).match(/\n/g)?.length, 1);
    assert.equal(written(settings(1, "3:stderr"), ...all).match(/\n/g)?.length, 2);
    assert.equal(written(settings(4, "1:stderr 4:stderr"), ...all).match(/\n/g)?.length, 2);
  });

  test("the first filter that matches a part of the source decides, up or down", () => {
    const lines = (filters: string, source: string): number =>
      written(settings(3, "1:stderr", filters), ...all.map((each) => ({ ...each, source }))).match(/\n/g)?.length ?? 0;
    assert.equal(lines("1:qemu", "driver.qemu"), 4);
    assert.equal(lines("1:qemu", "driver.test"), 2);
    assert.equal(lines("4:qemu 1:driver", "driver.qemu"), 1);
    assert.equal(lines("4:qemu 1:driver", "driver.test"), 4);
    assert.equal(lines("4:d*r.t?st 1:*", "driver.test"), 1);
    assert.equal(lines("4:d*r.t?st 1:*", "rpc"), 4);
    assert.equal(lines("1:driverXtest", "driver.test"), 2);
    assert.equal(lines("1:driver.test", "driver-test"), 2, "a point is a point");
  });

  test("tells the journal the priority, and leaves time and process to it", () => {
    assert.equal(
      written(settings(1, "1:journald"), ...all),
      "<7>rpc : debug\n<6>rpc : info\n<4>rpc : warn\n<3>rpc : error\n",
    );
  });

  test("says where a fault of ours happened to those who want debug entries", () => {
    const fault: LogEntry = { ...entry("error", "loop"), error: new Error("text") };
    assert.equal(written(settings(2, "1:stderr"), fault).match(/\n/g)?.length, 1);
    assert.match(
      written(settings(1, "1:stderr"), fault),
      /: error : loop : text\n.*: debug : loop : at .*logger\.test\.ts/,
    );
  });

  test("appends to a file that others cannot read, and makes a new one when it was moved away", () => {
    const path = join(directory, "daemon.log");
    const using = settings(3, `1:file:${path}`);
    const logger = new Logger(using, { clock });
    logger.write(entry("warn", "rpc", "one"));
    renameSync(path, `${path}.1`);
    logger.write(entry("warn", "rpc", "two"));
    assert.equal(existsSync(path), false);
    logger.configure(using);
    logger.write(entry("warn", "rpc", "three"));
    logger.close();
    logger.write(entry("warn", "rpc", "four"));
    assert.match(readFileSync(`${path}.1`, "utf8"), /one\n.*two\n$/);
    assert.match(readFileSync(path, "utf8"), /^[^\n]*three\n$/);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test("changes nothing when a file cannot be opened", () => {
    let text = "";
    const logger = new Logger(settings(3, "1:stderr"), { clock, stderr: (line) => (text += line) });
    assert.throws(() => logger.configure(settings(4, "1:stderr 1:file:/nowhere/x")), { code: "ENOENT" });
    logger.write(entry("warn", "rpc"));
    assert.notEqual(text, "");
  });

  test("outlives a disk that is full", { skip: !existsSync("/dev/full") && "no /dev/full" }, () => {
    const logger = new Logger(settings(3, "1:file:/dev/full 1:stderr"), { clock, stderr: () => {} });
    logger.write(entry("warn", "rpc"));
    const path = join(directory, "later.log");
    logger.configure(settings(3, `1:file:${path}`));
    logger.write(entry("warn", "rpc"));
    logger.close();
    assert.match(
      readFileSync(path, "utf8"),
      /warning : log : 1 entries could not be written here and are lost\n.*text\n$/,
    );
  });
});
