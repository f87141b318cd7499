import assert from "node:assert/strict";
import { test } from "node:test";
import { readTopology } from "../../src/libxl/host-info.ts";

const layout = {
  numaInfo: { size: 32, memory: 0, free: 8 },
  cpuTopology: { size: 12, core: 0, socket: 4, node: 8 },
};

test("nodes and processors of a host are read from libxl's structs, without numbers that are in no use", () => {
  const nodes = new DataView(new ArrayBuffer(3 * 32));
  [1n << 33n, 0xffff_ffffn, 1n << 32n].forEach((size, index) => nodes.setBigUint64(32 * index, size, true));
  nodes.setBigUint64(8, 1n << 20n, true);
  const cpus = new DataView(new ArrayBuffer(3 * 12));
  [0, 0, -1].forEach((core, index) => cpus.setInt32(12 * index, core, true));
  [0, -1, 2].forEach((node, index) => cpus.setInt32(12 * index + 8, node, true));
  assert.deepEqual(readTopology(new Uint8Array(nodes.buffer), new Uint8Array(cpus.buffer), layout), {
    nodes: [
      { id: 0, memoryKib: 8_388_608n, freeKib: 1_024n },
      { id: 2, memoryKib: 4_194_304n, freeKib: 0n },
    ],
    cpus: [
      { id: 0, core: 0, socket: 0, node: 0 },
      { id: 2, core: -1, socket: 0, node: 2 },
    ],
  });
});
