import {
  array,
  type Codec,
  char,
  fixedArray,
  fixedOpaque,
  int,
  mapped,
  ProtocolError,
  struct,
  type TypeOf,
  text,
} from "../../xdr/index.ts";

/** Longest text the protocol allows, in bytes. */
export const stringLimit = 4_194_304;
/** Most domains in one answer. */
export const domainListLimit = 16_384;

export const string: Codec<string> = { ...text(stringLimit), name: "str" };

/** 16 raw bytes; in our hands always 36 lower-case characters, 8-4-4-4-12. */
export const uuid: Codec<string> = mapped("uuid", fixedOpaque(16), formatUuid, parseUuid);

export const Domain = struct("domain", { name: string, uuid, id: int });
/** `id` is -1 while the domain does not run. What is looked up is the uuid; name and id of a caller may be stale. */
export interface Domain extends TypeOf<typeof Domain> {}

export const Network = struct("network", { name: string, uuid });
export interface Network extends TypeOf<typeof Network> {}

/** Latin-1 text in a C array of fixed size: ends at the first zero. A character takes a whole word on the wire. */
export function chars(length: number): Codec<string> {
  return mapped(
    `char[${length}]`,
    fixedArray(char, length),
    (codes) => fromChars(codes.includes(0) ? codes.slice(0, codes.indexOf(0)) : codes),
    (value) => toChars(value).concat(Array<number>(Math.max(0, length - value.length)).fill(0)),
  );
}

/** Latin-1 text in a counted C array, which takes its terminating zero along. */
export function countedChars(limit: number): Codec<string> {
  return mapped(
    `char<${limit}>`,
    array(char, limit),
    (codes) => fromChars(codes.at(-1) === 0 ? codes.slice(0, -1) : codes),
    (value) => toChars(value).concat(0),
  );
}

function fromChars(codes: readonly number[]): string {
  return String.fromCharCode(...codes.map((code) => code & 0xff));
}

/** C's char is signed: what is above 127 becomes negative, and what is above 255 is refused by the codec. */
function toChars(value: string): number[] {
  return Array.from(value, (each) => each.charCodeAt(0)).map((code) => (code > 127 && code < 256 ? code - 256 : code));
}

function formatUuid(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function parseUuid(uuid: string): Uint8Array {
  const hex = uuid.replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new ProtocolError(`not a UUID: ${uuid}`);
  return Uint8Array.from({ length: 16 }, (_, index) => Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16));
}
