import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  array,
  boolean,
  type Codec,
  char,
  decode,
  double,
  encode,
  fixedArray,
  fixedOpaque,
  hyper,
  int,
  mapped,
  opaque,
  optional,
  ProtocolError,
  rest,
  struct,
  text,
  uchar,
  uhyper,
  uint,
  union,
  ushort,
  XdrWriter,
} from "../../src/xdr/index.ts";
import { valuesOf } from "./arbitrary.ts";

const number = union("number", { small: [1, int], big: [5, uhyper] });

const everything = struct("everything", {
  boolean,
  int,
  uint,
  hyper,
  uhyper,
  double,
  char,
  uchar,
  ushort,
  text: text(100),
  opaque: opaque(50),
  fixed: fixedOpaque(5),
  list: array(struct("pair", { name: text(20), value: optional(hyper) }), 10),
  two: fixedArray(optional(int), 2),
  number,
  negated: mapped(
    "negated",
    int,
    (value) => String(value),
    (value) => Number(value),
  ),
});

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytes = (digits: string): Uint8Array => Buffer.from(digits.replaceAll(" ", ""), "hex");

describe("a codec", () => {
  it("reads back what it writes, always in whole words", () => {
    fc.assert(
      fc.property(valuesOf(everything), (value) => {
        const written = encode<unknown>(everything, value);
        assert.equal(written.length % 4, 0);
        assert.deepEqual(decode(everything, written), value);
      }),
    );
  });

  it("writes the same in steps, one for each item of a list, whoever empties the writer meanwhile", () => {
    fc.assert(
      fc.property(valuesOf(everything), (value) => {
        const writer = new XdrWriter();
        const parts: Uint8Array[] = [];
        for (const _ of everything.writeSteps?.(writer, value as never) ?? []) parts.push(writer.take());
        assert.equal(parts.length, (value as { list: unknown[] }).list.length);
        assert.deepEqual(Buffer.concat([...parts, writer.take()]), Buffer.from(encode<unknown>(everything, value)));
      }),
    );
  });

  it("meets a cut anywhere with a ProtocolError", () => {
    fc.assert(
      fc.property(valuesOf(everything), fc.nat(), (value, cut) => {
        const written = encode<unknown>(everything, value);
        assert.throws(() => decode(everything, written.subarray(0, cut % written.length)), ProtocolError);
      }),
    );
  });

  it("makes a value or a ProtocolError of any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (input) => {
        try {
          decode(everything, input);
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error));
        }
      }),
    );
  });

  it("ignores bytes after the value", () => {
    assert.equal(decode(int, bytes("0000000a ffffffff")), 10);
  });

  it("writes the forms of RFC 4506", () => {
    assert.equal(hex(encode(int, -2)), "fffffffe");
    assert.equal(hex(encode(hyper, -2n)), "fffffffffffffffe");
    assert.equal(hex(encode(double, 1.5)), "3ff8000000000000");
    assert.equal(hex(encode(text(9), "häus")), "0000000568c3a47573000000");
    assert.equal(hex(encode(opaque(9), bytes("010203"))), "0000000301020300");
    assert.equal(hex(encode(fixedOpaque(3), bytes("010203"))), "01020300");
    assert.equal(hex(encode(array(char, 9), [65, -1])), "0000000200000041ffffffff");
    assert.equal(hex(encode(optional(int), null)), "00000000");
    assert.equal(hex(encode(optional(int), 7)), "0000000100000007");
    assert.equal(hex(encode(boolean, true)), "00000001");
    assert.equal(hex(encode(number, { type: "big", value: 7n })), "000000050000000000000007");
  });

  it("leaves no old bytes in the padding of a shorter text", () => {
    const pair = struct("pair", { one: text(99), other: text(99) });
    assert.equal(hex(encode(pair, { one: "aaaa", other: "b" })), "00000004616161610000000162000000");
  });
});

describe("a union", () => {
  it("says by name which of its types a value has", () => {
    assert.deepEqual(decode(number, bytes("00000001 fffffffe")), { type: "small", value: -2 });
  });

  it("refuses a type that it does not have, on both sides", () => {
    assert.throws(() => decode(number, bytes("00000002 00000000")), ProtocolError);
    assert.throws(() => encode<unknown>(number, { type: "medium", value: 1 }), ProtocolError);
  });
});

describe("the rest of a message", () => {
  it("is taken and written as it is, of any length", () => {
    const pair = struct("pair", { int, rest });
    assert.equal(hex(encode(pair, { int: 1, rest: bytes("020304") })), "00000001020304");
    assert.deepEqual(decode(pair, bytes("00000001 020304")), { int: 1, rest: bytes("020304").subarray() });
    assert.deepEqual(decode(rest, new Uint8Array()), new Uint8Array());
  });
});

describe("a writer", () => {
  it("takes back what was written last, and writes on without a trace of it", () => {
    const writer = new XdrWriter(4);
    writer.uint(1);
    writer.uint(0xffff_ffff);
    writer.truncate(4);
    writer.fixedOpaque(bytes("02"));
    assert.equal(hex(writer.bytes), "0000000102000000");
  });
});

describe("reading", () => {
  it("takes any word but 0 for the flag of something present", () => {
    assert.equal(decode(optional(int), bytes("01000000 00000005")), 5);
    assert.equal(decode(optional(int), bytes("00000000")), null);
    assert.equal(decode(boolean, bytes("01000000")), true);
  });

  it("skips padding without looking at it", () => {
    assert.equal(decode(text(9), bytes("00000001 41ff00ff")), "A");
  });

  it("keeps a byte order mark and every other character of a text", () => {
    assert.equal(decode(text(20), encode(text(20), "\uFEFFa\0b")), "\uFEFFa\0b");
  });

  it("refuses text that is not UTF-8", () => {
    assert.throws(() => decode(text(9), bytes("00000002 c3280000")), ProtocolError);
  });

  it("takes no memory for a count without the bytes to match", () => {
    assert.throws(() => decode(array(int, 2 ** 32), bytes("ffffffff 00000001")), ProtocolError);
    assert.throws(() => decode(opaque(2 ** 32), bytes("ffffffff 00000001")), ProtocolError);
  });
});

describe("limits", () => {
  const cases: [Codec, unknown, string][] = [
    [text(3), "abcd", "00000004 61626364"],
    [opaque(3), bytes("01020304"), "00000004 01020304"],
    [array(int, 1), [1, 2], "00000002 00000001 00000002"],
    [uchar, 256, "00000100"],
    [char, -129, "ffffff7f"],
    [ushort, 65_536, "00010000"],
  ];
  for (const [codec, value, input] of cases) {
    it(`holds ${codec.name} on both sides`, () => {
      assert.throws(() => encode(codec, value), ProtocolError);
      assert.throws(() => decode(codec, bytes(input)), ProtocolError);
    });
  }

  it("counts text in bytes, not in characters", () => {
    assert.throws(() => encode(text(3), "ää"), ProtocolError);
    assert.equal(encode(text(4), "ää").length, 8);
  });

  it("refuses numbers that do not fit", () => {
    for (const value of [2 ** 31, -(2 ** 31) - 1, 1.5, Number.NaN])
      assert.throws(() => encode(int, value), ProtocolError);
    for (const value of [-1, 2 ** 32]) assert.throws(() => encode(uint, value), ProtocolError);
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n]) assert.throws(() => encode(hyper, value), ProtocolError);
    for (const value of [-1n, 2n ** 64n]) assert.throws(() => encode(uhyper, value), ProtocolError);
  });

  it("refuses a fixed length that is another", () => {
    assert.throws(() => encode(fixedOpaque(2), bytes("01")), ProtocolError);
    assert.throws(() => encode(fixedArray(int, 2), [1]), ProtocolError);
  });
});
