import type { Codec } from "./codec.ts";
import { ProtocolError } from "./protocol-error.ts";
import { checkLimit } from "./writer.ts";

export const int: Codec<number> = {
  name: "i32",
  shape: { kind: "integer", bits: 32, signed: true },
  write: (writer, value) => writer.int(value),
  read: (reader) => reader.int(),
};

export const uint: Codec<number> = {
  name: "u32",
  shape: { kind: "integer", bits: 32, signed: false },
  write: (writer, value) => writer.uint(value),
  read: (reader) => reader.uint(),
};

export const hyper: Codec<bigint> = {
  name: "i64",
  shape: { kind: "integer", bits: 64, signed: true },
  write: (writer, value) => writer.hyper(value),
  read: (reader) => reader.hyper(),
};

export const uhyper: Codec<bigint> = {
  name: "u64",
  shape: { kind: "integer", bits: 64, signed: false },
  write: (writer, value) => writer.uhyper(value),
  read: (reader) => reader.uhyper(),
};

/** A word: any but 0 is true when we read. */
export const boolean: Codec<boolean> = {
  name: "bool",
  shape: { kind: "boolean" },
  write: (writer, value) => writer.uint(value ? 1 : 0),
  read: (reader) => reader.uint() !== 0,
};

export const double: Codec<number> = {
  name: "f64",
  shape: { kind: "double" },
  write: (writer, value) => writer.double(value),
  read: (reader) => reader.double(),
};

/** A C type smaller than a word. On the wire it takes a whole word, in arrays too. */
function narrow(name: string, bits: 8 | 16, signed: boolean): Codec<number> {
  const lowest = signed ? -(2 ** (bits - 1)) : 0;
  const highest = lowest + 2 ** bits - 1;
  const check = (value: number): number => {
    if (value >= lowest && value <= highest) return value;
    throw new ProtocolError(`${value} is not a ${name}, which goes from ${lowest} to ${highest}`);
  };
  return {
    name,
    shape: { kind: "integer", bits, signed },
    write: (writer, value) => writer.int(check(value)),
    read: (reader) => check(reader.int()),
  };
}

export const char = narrow("char", 8, true);
export const uchar = narrow("uchar", 8, false);
export const ushort = narrow("u16", 16, false);

/** UTF-8 text of at most `limit` bytes. */
export function text(limit: number): Codec<string> {
  return {
    name: `str<${limit}>`,
    shape: { kind: "string", limit },
    write: (writer, value) => writer.string(value, limit),
    read: (reader) => reader.string(limit),
  };
}

/** At most `limit` bytes. What is read is a view of the message: copy what is to outlive it. */
export function opaque(limit: number): Codec<Uint8Array> {
  return {
    name: `bytes<${limit}>`,
    shape: { kind: "opaque", limit },
    write: (writer, value) => {
      checkLimit(value.length, limit, "bytes");
      writer.uint(value.length);
      writer.fixedOpaque(value);
    },
    read: (reader) => {
      const length = reader.uint();
      checkLimit(length, limit, "bytes");
      return reader.fixedOpaque(length);
    },
  };
}

/** Exactly `length` bytes. What is read is a view of the message. */
export function fixedOpaque(length: number): Codec<Uint8Array> {
  return {
    name: `bytes[${length}]`,
    shape: { kind: "fixedOpaque", length },
    write: (writer, value) => {
      if (value.length !== length) throw new ProtocolError(`${value.length} bytes, it must be ${length}`);
      writer.fixedOpaque(value);
    },
    read: (reader) => reader.fixedOpaque(length),
  };
}

/** All bytes to the end, without a length and without padding. What is read is a view of the message. */
export const rest: Codec<Uint8Array> = {
  name: "rest",
  shape: { kind: "rest" },
  write: (writer, value) => writer.raw(value),
  read: (reader) => reader.rest(),
};
