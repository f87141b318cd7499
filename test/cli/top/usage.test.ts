import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Counters, takeSample, usageBetween } from "../../../src/cli/top/usage-sample.ts";
import { sparkline, usageTable } from "../../../src/cli/top/usage-table.ts";
import { open } from "../../../src/open/index.ts";

const nothing: Counters = {
  name: "a",
  uuid: "a",
  atMs: 0,
  vcpus: 1,
  cpuNs: 0n,
  memoryKib: 1024n,
  readBytes: 0n,
  writtenBytes: 0n,
  receivedBytes: 0n,
  sentBytes: 0n,
};

suite("what domains use", () => {
  test("is what has come between two moments, in a second", () => {
    const after = { ...nothing, atMs: 2_000, cpuNs: 3_000_000_000n, readBytes: 4_096n, sentBytes: 10n };
    const [usage] = usageBetween([nothing], [after]);
    assert.equal(usage?.cpuPercent, 150);
    assert.deepEqual([usage.readRate, usage.writeRate, usage.sendRate, usage.memoryKib], [2_048, 0, 5, 1024n]);
  });

  test("has those first that use most", () => {
    const later = ["a", "b", "c"].map((name, at) => ({ ...nothing, name, uuid: name, atMs: 1_000, cpuNs: BigInt(at) }));
    const before = later.map((each) => ({ ...each, atMs: 0, cpuNs: 0n }));
    assert.deepEqual(
      usageBetween(before, later).map(({ name }) => name),
      ["c", "b", "a"],
    );
  });

  test("is nothing yet for one that has begun, or begun again", () => {
    const again = { ...nothing, atMs: 1_000, cpuNs: 5n };
    assert.equal(usageBetween([], [again])[0]?.cpuPercent, 0);
    assert.equal(usageBetween([{ ...nothing, cpuNs: 9n }], [again])[0]?.cpuPercent, 0);
  });

  test("is a line as high as its values", () => {
    assert.equal(sparkline([0, 50, 100, 25], 100), "▁▅█▃");
    assert.equal(sparkline([200, 100], 100), "█▅");
    assert.equal(sparkline(Array(40).fill(1), 1).length, 20);
  });

  test("is asked of what drivers tell in other places too", async () => {
    await using connection = await open("test:///default", { embed: true });
    const [counters] = await takeSample(connection, () => 7);
    assert.deepEqual([counters?.name, counters?.atMs, counters?.memoryKib], ["test", 7, 2_097_152n]);
    assert.ok((counters?.cpuNs ?? 0n) > 0n);
    const { columns, rows } = usageTable(usageBetween([], await takeSample(connection, () => 8)));
    assert.deepEqual(columns, ["Name", "CPU", "Memory", "Read", "Written", "Received", "Sent"]);
    assert.deepEqual(rows[0]?.slice(0, 3), ["test", "  0.0 %", "2.0 GiB"]);
  });
});
