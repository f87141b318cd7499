import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { admin, lxc, type Procedure, qemu, remote } from "../../src/protocol/index.ts";
import { type Codec, decode, encode, uint } from "../../src/xdr/index.ts";
import { valuesOf } from "../xdr/arbitrary.ts";

/** Every type of the table that has a limit, by name: text, bytes, lists. */
const limited = new Map<string, Codec>();
for (const { procedures } of [remote, qemu, lxc, admin]) {
  for (const row of Object.values<Procedure>(procedures)) {
    for (const codec of row.kind === "call" ? [row.args, row.ret] : [row.message]) collect(codec);
  }
}

describe("a type of the table that has a limit holds it on both sides", () => {
  it("and there are many", () => {
    assert.ok(limited.size > 50, String(limited.size));
  });

  for (const [name, codec] of limited) {
    const limit = limitOf(codec) ?? 0;

    it(`${name} takes no more`, () => {
      const refusal = { name: "ProtocolError", message: new RegExp(`^${limit + 1} .*the limit is ${limit}$`) };
      assert.throws(() => encode(codec, valueOfLength(codec, limit + 1)), refusal);
      assert.throws(() => decode(codec, encode(uint, limit + 1)), refusal);
    });

    // The longest lists take their time, and differ from the others in the number alone.
    if (codec.shape.kind === "array" && limit > 20_000) continue;
    it(`${name} takes so many`, () => {
      const value = valueOfLength(codec, limit);
      assert.deepEqual(decode(codec, encode(codec, value)), value);
    });
  }
});

function valueOfLength(codec: Codec, length: number): unknown {
  const { shape } = codec;
  if (shape.kind === "string") return "x".repeat(length);
  if (shape.kind === "opaque") return new Uint8Array(length);
  assert.ok(shape.kind === "array");
  const [item] = fc.sample(valuesOf(shape.item), { numRuns: 1, seed: 1 });
  return Array<unknown>(length).fill(item);
}

function limitOf({ shape }: Codec): number | undefined {
  return "limit" in shape ? shape.limit : undefined;
}

function collect(codec: Codec): void {
  const { shape } = codec;
  if (limitOf(codec) !== undefined) limited.set(codec.name, codec);
  if ("item" in shape) collect(shape.item);
  else if (shape.kind === "struct") Object.values(shape.fields).forEach(collect);
  else if (shape.kind === "union") for (const [, arm] of Object.values(shape.arms)) collect(arm);
  else if (shape.kind === "mapped") collect(shape.base);
}
