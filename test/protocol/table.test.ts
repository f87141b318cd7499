import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { keepalive, knownProcedure, type Procedure, programText, remote } from "../../src/protocol/index.ts";
import { type Codec, decode, encode, ProtocolError } from "../../src/xdr/index.ts";
import { valuesOf } from "../xdr/arbitrary.ts";

const rows: readonly [string, Procedure][] = Object.entries(remote.procedures);

describe("the table of the REMOTE program", () => {
  it("is, with the keepalive program, the one committed as text", () => {
    const committed = readFileSync(new URL("table.txt", import.meta.url), "utf8");
    assert.equal(`${programText(remote)}\n${programText(keepalive)}`, committed);
  });

  it("has each number once", () => {
    const numbers = rows.map(([, row]) => row.number);
    assert.equal(new Set(numbers).size, numbers.length);
  });

  it("agrees with the list of all procedures about names and read-only connections", () => {
    for (const [name, row] of rows) {
      const known = knownProcedure(row.number);
      if (row.kind === "event") assert.equal(known, undefined, name);
      else if (name === "authList") assert.deepEqual(known, { api: undefined, readOnly: true });
      else {
        // Two generations of calls stand for the same function.
        assert.equal(known?.api?.toLowerCase(), `vir${name.replace("EventCallback", "Event")}`.toLowerCase());
        assert.equal(known.readOnly, row.readOnly !== "denied", name);
      }
    }
  });

  for (const [name, row] of rows) {
    it(`${name} reads back what it writes, and ends in a ProtocolError where it is cut`, () => {
      for (const codec of row.kind === "call" ? [row.args, row.ret] : [row.message]) checkCodec(codec);
    });
  }
});

function checkCodec(codec: Codec): void {
  fc.assert(
    fc.property(valuesOf(codec), fc.nat(), (value, cut) => {
      const written = encode(codec, value);
      assert.deepEqual(decode(codec, written), value);
      if (written.length === 0) return;
      assert.throws(() => decode(codec, written.subarray(0, cut % written.length)), ProtocolError);
    }),
    { numRuns: 25 },
  );
}
