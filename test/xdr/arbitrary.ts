import fc from "fast-check";
import type { Codec } from "../../src/xdr/index.ts";

/** Values that a codec can write, made from what it says of itself. */
export function valuesOf(codec: Codec): fc.Arbitrary<unknown> {
  const { shape } = codec;
  switch (shape.kind) {
    case "integer":
      return integers(shape.bits, shape.signed);
    case "boolean":
      return fc.boolean();
    case "double":
      return fc.double();
    case "string":
      // A character takes at most 4 bytes.
      return fc.string({ unit: "binary", maxLength: Math.min(40, Math.floor(shape.limit / 4)) });
    case "opaque":
      return fc.uint8Array({ maxLength: Math.min(40, shape.limit) });
    case "fixedOpaque":
      return fc.uint8Array({ minLength: shape.length, maxLength: shape.length });
    case "rest":
      return fc.uint8Array({ maxLength: 40 });
    case "array":
      return fc.array(valuesOf(shape.item), { maxLength: Math.min(8, shape.limit) });
    case "fixedArray":
      return fc.array(valuesOf(shape.item), { minLength: shape.length, maxLength: shape.length });
    case "optional":
      return fc.option(valuesOf(shape.item), { nil: null });
    case "struct":
      return fc.record(Object.fromEntries(Object.entries(shape.fields).map(([key, field]) => [key, valuesOf(field)])), {
        noNullPrototype: true,
      });
    case "union":
      return fc.oneof(
        ...Object.entries(shape.arms).map(([type, [, arm]]) => valuesOf(arm).map((value) => ({ type, value }))),
      );
    case "mapped":
      return valuesOf(shape.base).map(shape.decode as (base: unknown) => unknown);
  }
}

function integers(bits: 8 | 16 | 32 | 64, signed: boolean): fc.Arbitrary<unknown> {
  if (bits === 64) return signed ? fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n) : fc.bigInt(0n, 2n ** 64n - 1n);
  const min = signed ? -(2 ** (bits - 1)) : 0;
  return fc.integer({ min, max: min + 2 ** bits - 1 });
}
