import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { formatCpuList, parseCpuList } from "../../../src/driver/tuning/cpu-list.ts";

it("writes runs of CPUs as ranges", () => {
  assert.equal(formatCpuList([0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
  assert.equal(formatCpuList([]), "");
});

it("takes out what a list excludes", () => {
  assert.deepEqual(parseCpuList("0-4,^2"), [0, 1, 3, 4]);
});

it("reads what it writes", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(4095)), (numbers) => {
      const cpus = numbers.toSorted((one, other) => one - other);
      assert.deepEqual(parseCpuList(formatCpuList(cpus)), cpus);
    }),
  );
});
