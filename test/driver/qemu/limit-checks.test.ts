import assert from "node:assert/strict";
import { test } from "node:test";
import { checkLimits } from "../../../src/driver/qemu/device/limit-checks.ts";
import { limitsOf, throttleArguments } from "../../../src/driver/qemu/device/throttle.ts";
import type { TypedParam } from "../../../src/protocol/index.ts";
import { parseXml } from "../../../src/xml/index.ts";

function disk(limits = "") {
  return parseXml(`<disk><target dev='vda'/><iotune>${limits}</iotune></disk>`).root;
}

function limit(field: string, value: bigint): TypedParam {
  return { field, value: { type: "ullong", value } };
}

test("limits of all and of one direction exclude each other, also with those that there are", () => {
  const message = "invalid argument: total and read/write of bytes_sec cannot be set at the same time";
  assert.throws(() => checkLimits(disk("<read_bytes_sec>5</read_bytes_sec>"), [limit("total_bytes_sec", 1n)], false), {
    message,
  });
  checkLimits(disk("<read_bytes_sec>5</read_bytes_sec>"), [limit("total_iops_sec", 1n)], true);
});

test("a burst is no less than what it goes beyond; libvirt asks that of guests that run alone", () => {
  const params = [limit("total_bytes_sec", 1000n), limit("total_bytes_sec_max", 500n)];
  checkLimits(disk(), params, false);
  assert.throws(() => checkLimits(disk(), params, true), {
    message: "unsupported configuration: value 'total_bytes_sec_max' cannot be smaller than 'total_bytes_sec'",
  });
});

test("limits go to QEMU and come back", () => {
  const limited = disk("<read_bytes_sec>5</read_bytes_sec><total_iops_sec_max>9</total_iops_sec_max>");
  const args = throttleArguments(limited, "device");
  assert.deepEqual(args, { id: "device", bps: 0, iops: 0, iops_max: 9, bps_rd: 5, iops_rd: 0, bps_wr: 0, iops_wr: 0 });
  const known = limitsOf(args);
  assert.deepEqual(
    [known.get("read_bytes_sec"), known.get("total_iops_sec_max"), known.get("group_name")],
    [5n, 9n, ""],
  );
});
