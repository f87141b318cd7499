import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CallTable } from "../../src/rpc/call-table.ts";
import { World } from "./world.ts";

const handler = { accept: () => undefined, discard: () => {} };

function headerOf(serial: number) {
  return { program: 1, version: 1, procedure: 1, type: 0, serial, status: 0 };
}

/** Makes a call; the answer tells its serial, and what its reply, or its end, has settled it with. */
function call(table: CallTable) {
  const serial = table.issueSerial(() => false);
  const result = table.add(headerOf(serial), `call ${serial}`, { accept: () => serial, discard: () => {} }, {});
  return { serial, result };
}

function reply(table: CallTable, serial: number): void {
  table.settle({ header: { ...headerOf(serial), type: 1 }, payload: new Uint8Array(), fds: [] });
}

describe("serials", () => {
  it("are never those of a call that waits, or of a stream", () => {
    const table = new CallTable(new World().loop);
    const streams = new Set([1, 2, 5]);
    const issued = Array.from({ length: 4 }, () => {
      const serial = table.issueSerial((each) => streams.has(each));
      table.add(headerOf(serial), "call", handler, {});
      return serial;
    });
    assert.deepEqual(issued, [0, 3, 4, 6]);
  });
});

describe("calls", () => {
  it("find their replies in any order, however many wait", async () => {
    const table = new CallTable(new World().loop);
    const calls = Array.from({ length: 1_000 }, () => call(table));
    assert.equal(table.size, 1_000);
    for (const { serial } of calls.toReversed()) reply(table, serial);
    assert.deepEqual(
      await Promise.all(calls.map(({ result }) => result.promise)),
      calls.map(({ serial }) => serial),
    );
    assert.equal(table.size, 0);
  });

  it("that take long are met by no other's reply, while thousands come and go", async () => {
    const table = new CallTable(new World().loop);
    const slow = [call(table), call(table)];
    for (let count = 0; count < 5_000; count++) reply(table, call(table).serial);
    assert.deepEqual(
      slow.map(({ result }) => result.state),
      ["pending", "pending"],
    );
    assert.throws(() => reply(table, 16), /serial 16, which was not called/);
    for (const { serial } of slow) reply(table, serial);
    assert.deepEqual(await Promise.all(slow.map(({ result }) => result.promise)), [0, 1]);
  });

  it("end with their connection in the order in which they were made", () => {
    const table = new CallTable(new World().loop);
    const ended: number[] = [];
    const note = ({ serial, result }: ReturnType<typeof call>): void => result.whenSettled(() => ended.push(serial));
    note(call(table));
    for (let count = 0; count < 14; count++) reply(table, call(table).serial);
    for (let count = 0; count < 4; count++) note(call(table));
    table.failAll(undefined);
    assert.deepEqual(ended, [0, 15, 17, 18, 19]);
    assert.equal(table.size, 0);
  });
});
