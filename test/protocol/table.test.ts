import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  admin,
  keepalive,
  lxc,
  type Procedure,
  type Program,
  programText,
  qemu,
  remote,
  virtwright,
} from "../../src/protocol/index.ts";
import { type Codec, decode, encode, ProtocolError } from "../../src/xdr/index.ts";
import { valuesOf } from "../xdr/arbitrary.ts";

const programs: readonly Program[] = [remote, qemu, lxc, admin, keepalive, virtwright];

describe("the table of procedures", () => {
  it("is the one committed as text", () => {
    const committed = readFileSync(new URL("table.txt", import.meta.url), "utf8");
    assert.equal(programs.map(programText).join("\n"), committed);
  });

  it("has all numbers of the REMOTE program, from 1 to 453", () => {
    const numbers = Object.values<Procedure>(remote.procedures).map(({ number }) => number);
    assert.deepEqual(
      numbers.sort((a, b) => a - b),
      Array.from({ length: 453 }, (_, index) => index + 1),
    );
  });

  for (const { name, procedures } of programs) {
    it(`has each number of the ${name} program once`, () => {
      const numbers = Object.values(procedures).map(({ number }) => number);
      assert.equal(new Set(numbers).size, numbers.length);
    });

    for (const [row, procedure] of Object.entries(procedures)) {
      it(`${name} ${row} reads back what it writes, and ends in a ProtocolError where it is cut`, () => {
        for (const codec of codecsOf(procedure)) checkCodec(codec);
      });
    }
  }
});

function codecsOf(row: Procedure): readonly Codec[] {
  return row.kind === "call" ? [row.args, row.ret] : [row.message];
}

function checkCodec(codec: Codec): void {
  if (codec.shape.kind === "struct" && Object.keys(codec.shape.fields).length === 0) return;
  fc.assert(
    fc.property(valuesOf(codec), fc.nat(), (value, cut) => {
      const written = encode(codec, value);
      assert.deepEqual(decode(codec, written), value);
      assert.throws(() => decode(codec, written.subarray(0, cut % written.length)), ProtocolError);
    }),
    { numRuns: 25 },
  );
}
