import type { Arms, Codec, Fields, TypeOf } from "./codec.ts";
import { ProtocolError } from "./protocol-error.ts";
import type { XdrReader } from "./reader.ts";
import { checkLimit, type XdrWriter } from "./writer.ts";

export type Struct<F extends Fields> = Codec<{ readonly [K in keyof F]: TypeOf<F[K]> }> & { readonly fields: F };

/** Fields one after the other, in the order written. */
export function struct<const F extends Fields>(name: string, fields: F): Struct<F> {
  // Two lists side by side: pairs would be taken apart for every field of every value.
  const keys = Object.keys(fields);
  const codecs = Object.values(fields);
  return {
    name,
    fields,
    shape: { kind: "struct", fields },
    ...(codecs.some((codec) => codec.writeSteps !== undefined) && { writeSteps: stepsOf(keys, codecs) }),
    write: (writer: XdrWriter, value: Readonly<Record<string, unknown>>) => {
      for (let index = 0; index < keys.length; index++) codecs[index]?.write(writer, value[keys[index] as string]);
    },
    read: (reader: XdrReader) => {
      const value: Record<string, unknown> = {};
      for (let index = 0; index < keys.length; index++) value[keys[index] as string] = codecs[index]?.read(reader);
      return value as { readonly [K in keyof F]: TypeOf<F[K]> };
    },
  };
}

function stepsOf(keys: readonly string[], codecs: readonly Codec[]): NonNullable<Codec["writeSteps"]> {
  return function* (writer: XdrWriter, value: unknown) {
    for (const [index, codec] of codecs.entries()) {
      const field = (value as Readonly<Record<string, unknown>>)[keys[index] as string];
      if (codec.writeSteps === undefined) codec.write(writer, field);
      else yield* codec.writeSteps(writer, field);
    }
  };
}

/** At most `limit` items. */
export function array<T>(item: Codec<T>, limit: number): Codec<readonly T[]> {
  return {
    name: `${item.name}<${limit}>`,
    shape: { kind: "array", item, limit },
    write: (writer, value) => {
      checkLimit(value.length, limit, "items");
      writer.uint(value.length);
      for (const each of value) item.write(writer, each);
    },
    *writeSteps(writer, value) {
      checkLimit(value.length, limit, "items");
      writer.uint(value.length);
      for (const each of value) {
        item.write(writer, each);
        yield;
      }
    },
    read: (reader) => {
      const length = reader.uint();
      checkLimit(length, limit, "items");
      return readItems(reader, item, length);
    },
  };
}

/** Exactly `length` items. */
export function fixedArray<T>(item: Codec<T>, length: number): Codec<readonly T[]> {
  return {
    name: `${item.name}[${length}]`,
    shape: { kind: "fixedArray", item, length },
    write: (writer, value) => {
      if (value.length !== length) throw new ProtocolError(`${value.length} items, it must be ${length}`);
      for (const each of value) item.write(writer, each);
    },
    read: (reader) => readItems(reader, item, length),
  };
}

/** A value or null. The flag before it is 1 when we write; any word but 0 counts as present when we read. */
export function optional<T>(item: Codec<T>): Codec<T | null> {
  return {
    name: `${item.name}?`,
    shape: { kind: "optional", item },
    write: (writer, value) => {
      writer.uint(value === null ? 0 : 1);
      if (value !== null) item.write(writer, value);
    },
    read: (reader) => (reader.uint() === 0 ? null : item.read(reader)),
  };
}

type OneOf<A extends Arms> = {
  readonly [N in keyof A]: { readonly type: N; readonly value: TypeOf<A[N][1]> };
}[keyof A];

/** One of several types: the value says by name which one it is, the wire by the word before it. */
export function union<const A extends Arms>(name: string, arms: A): Codec<OneOf<A>> {
  const byTag = new Map(Object.entries<Arms[string]>(arms).map(([type, [tag, codec]]) => [tag, { type, codec }]));
  return {
    name,
    shape: { kind: "union", arms },
    write: (writer, { type, value }) => {
      const arm: Arms[string] | undefined = arms[type];
      if (arm === undefined) throw new ProtocolError(`a ${name} has no type ${String(type)}`);
      writer.uint(arm[0]);
      arm[1].write(writer, value);
    },
    read: (reader) => {
      const tag = reader.uint();
      const arm = byTag.get(tag);
      if (arm === undefined) throw new ProtocolError(`a ${name} has no type ${tag}`);
      return { type: arm.type, value: arm.codec.read(reader) } as OneOf<A>;
    },
  };
}

/** Another form of the same bytes: `toValue` and `toBase` are inverse to each other, and may throw ProtocolError. */
export function mapped<B, T>(name: string, base: Codec<B>, toValue: (base: B) => T, toBase: (value: T) => B): Codec<T> {
  return {
    name,
    shape: { kind: "mapped", base, decode: toValue },
    write: (writer, value) => base.write(writer, toBase(value)),
    read: (reader) => toValue(base.read(reader)),
  };
}

/** Items are pushed one by one, so that a huge count without the bytes to match takes no memory. */
function readItems<T>(reader: XdrReader, item: Codec<T>, length: number): T[] {
  const items: T[] = [];
  for (let index = 0; index < length; index++) items.push(item.read(reader));
  return items;
}
