import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CallTable } from "../../src/rpc/call-table.ts";
import { World } from "./world.ts";

const handler = { accept: () => undefined, discard: () => {} };

describe("serials", () => {
  it("are never those of a call that waits, or of a stream", () => {
    const table = new CallTable(new World().loop);
    const streams = new Set([1, 2, 5]);
    const issued = Array.from({ length: 4 }, () => {
      const serial = table.issueSerial((each) => streams.has(each));
      table.add({ program: 1, version: 1, procedure: 1, type: 0, serial, status: 0 }, "call", handler, {});
      return serial;
    });
    assert.deepEqual(issued, [0, 3, 4, 6]);
  });
});
