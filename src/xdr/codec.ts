import { XdrReader } from "./reader.ts";
import { XdrWriter } from "./writer.ts";

/** How a codec is made, for what is derived from it: the text of a table, inputs for tests. */
export type Shape =
  | { readonly kind: "integer"; readonly bits: 8 | 16 | 32 | 64; readonly signed: boolean }
  | { readonly kind: "boolean" }
  | { readonly kind: "double" }
  | { readonly kind: "string"; readonly limit: number }
  | { readonly kind: "opaque"; readonly limit: number }
  | { readonly kind: "fixedOpaque"; readonly length: number }
  | { readonly kind: "rest" }
  | { readonly kind: "array"; readonly item: Codec; readonly limit: number }
  | { readonly kind: "fixedArray"; readonly item: Codec; readonly length: number }
  | { readonly kind: "optional"; readonly item: Codec }
  | { readonly kind: "struct"; readonly fields: Fields }
  | { readonly kind: "union"; readonly arms: Arms }
  | { readonly kind: "mapped"; readonly base: Codec; readonly decode: (value: never) => unknown };

/** A type of the wire as a value: reads and writes T, and says what it is. */
export interface Codec<T = unknown> {
  /** Short name, as in the text of a table: `i32`, `str`, `domain`, `str<256>`. */
  readonly name: string;
  readonly shape: Shape;
  /** Throws ProtocolError when the value does not fit the type. */
  write(writer: XdrWriter, value: T): void;
  /**
   * For types with lists: as `write`, but with a pause behind each item, so that a long list need not be written in one
   * stretch. Items are asked for as they are written. The writer may be emptied meanwhile.
   */
  writeSteps?(writer: XdrWriter, value: T): Generator<void, void, void>;
  /** Throws ProtocolError when the bytes are no such value. */
  read(reader: XdrReader): T;
}

export type Fields = Readonly<Record<string, Codec>>;

/** The types that a union is one of, by name, each with the word that announces it. */
export type Arms = Readonly<Record<string, readonly [tag: number, codec: Codec]>>;

/** The value that a codec reads and writes. */
export type TypeOf<C> = C extends Codec<infer T> ? T : never;

export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new XdrWriter();
  codec.write(writer, value);
  return writer.bytes;
}

/** Bytes after the value are ignored, as libvirt does. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  return codec.read(new XdrReader(bytes));
}
