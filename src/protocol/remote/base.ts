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
/** Most objects of a kind in one answer; devices of the host are more. */
export const listLimit = 16_384;
export const nodeDeviceListLimit = 65_536;

export const string: Codec<string> = { ...text(stringLimit), name: "str" };

/** 16 raw bytes; in our hands always 36 lower-case characters, 8-4-4-4-12. */
export const uuid: Codec<string> = mapped("uuid", fixedOpaque(16), formatUuid, parseUuid);

export const Domain = struct("domain", { name: string, uuid, id: int });
/** `id` is -1 while the domain does not run. What is looked up is the uuid; name and id of a caller may be stale. */
export interface Domain extends TypeOf<typeof Domain> {}

export const DomainSnapshot = struct("domain_snapshot", { name: string, dom: Domain });
export interface DomainSnapshot extends TypeOf<typeof DomainSnapshot> {}

export const DomainCheckpoint = struct("domain_checkpoint", { name: string, dom: Domain });
export interface DomainCheckpoint extends TypeOf<typeof DomainCheckpoint> {}

export const Network = struct("network", { name: string, uuid });
export interface Network extends TypeOf<typeof Network> {}

export const NetworkPort = struct("network_port", { net: Network, uuid });
export interface NetworkPort extends TypeOf<typeof NetworkPort> {}

export const Nwfilter = struct("nwfilter", { name: string, uuid });
export interface Nwfilter extends TypeOf<typeof Nwfilter> {}

export const NwfilterBinding = struct("nwfilter_binding", { portdev: string, filtername: string });
/** `portdev` is the interface of the host that it is for, and its name. */
export interface NwfilterBinding extends TypeOf<typeof NwfilterBinding> {}

export const HostInterface = struct("interface", { name: string, mac: string });
export interface HostInterface extends TypeOf<typeof HostInterface> {}

export const StoragePool = struct("storage_pool", { name: string, uuid });
export interface StoragePool extends TypeOf<typeof StoragePool> {}

export const StorageVol = struct("storage_vol", { pool: string, name: string, key: string });
/** `pool` is the pool's name; `key` is unique among all volumes of the host. */
export interface StorageVol extends TypeOf<typeof StorageVol> {}

export const NodeDevice = struct("node_device", { name: string });
export interface NodeDevice extends TypeOf<typeof NodeDevice> {}

export const Secret = struct("secret", { uuid, usageType: int, usageId: string });
/** `usageType` is VIR_SECRET_USAGE_TYPE_*; `usageId` says what of that type it is for. */
export interface Secret extends TypeOf<typeof Secret> {}

/** Names in an answer. */
export const names: Codec<readonly string[]> = array(string, listLimit);

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

/** Bytes in a counted C array of characters: each takes a whole word on the wire. */
export function charBytes(limit: number): Codec<Uint8Array> {
  return mapped(
    `char<${limit}>`,
    array(char, limit),
    (codes) => Uint8Array.from(codes),
    (bytes) => Array.from(bytes, toChar),
  );
}

/** C's char is signed: what is above 127 becomes negative, and what is above 255 is refused by the codec. */
function toChars(value: string): number[] {
  return Array.from(value, (each) => toChar(each.charCodeAt(0)));
}

function toChar(code: number): number {
  return code > 127 && code < 256 ? code - 256 : code;
}

const hexOf = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

function formatUuid(bytes: Uint8Array): string {
  let uuid = "";
  for (let index = 0; index < 16; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) uuid += "-";
    uuid += hexOf[bytes[index] as number] as string;
  }
  return uuid;
}

function parseUuid(uuid: string): Uint8Array {
  const bytes = new Uint8Array(16);
  let digits = 0;
  for (let index = 0; index < uuid.length; index++) {
    const code = uuid.charCodeAt(index);
    if (code === dash) continue;
    const digit = digitOf(code);
    if (digit < 0 || digits === 32) throw new ProtocolError(`not a UUID: ${uuid}`);
    bytes[digits >> 1] = ((bytes[digits >> 1] as number) << 4) | digit;
    digits++;
  }
  if (digits < 32) throw new ProtocolError(`not a UUID: ${uuid}`);
  return bytes;
}

const dash = 0x2d;

/** Of a hexadecimal digit's character; -1 for another. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
