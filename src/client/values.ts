import {
  Domain,
  DomainCheckpoint,
  DomainSnapshot,
  HostInterface,
  Network,
  NetworkPort,
  NodeDevice,
  Nwfilter,
  NwfilterBinding,
  Secret,
  StoragePool,
  StorageVol,
  TypedParam,
} from "../protocol/index.ts";
import type { Codec, Fields } from "../xdr/index.ts";
import type { Kind } from "./rows.ts";
import { fromParams, type ParamsInput, toParams } from "./typed-values.ts";

/** Makes an object of what the wire says of one. */
export type Wrap = (kind: Kind, value: Readonly<Record<string, unknown>>) => unknown;

const kinds: ReadonlyMap<Codec, Kind> = new Map<Codec, Kind>([
  [Domain as Codec, "domain"],
  [DomainSnapshot as Codec, "snapshot"],
  [DomainCheckpoint as Codec, "checkpoint"],
  [Network as Codec, "network"],
  [NetworkPort as Codec, "networkPort"],
  [HostInterface as Codec, "hostInterface"],
  [StoragePool as Codec, "storagePool"],
  [StorageVol as Codec, "volume"],
  [NodeDevice as Codec, "nodeDevice"],
  [Secret as Codec, "secret"],
  [Nwfilter as Codec, "nwfilter"],
  [NwfilterBinding as Codec, "nwfilterBinding"],
]);

/** What a caller gives, as the wire has it. */
export function toWire({ shape }: Codec, value: unknown): unknown {
  if (value === undefined) return null;
  if (shape.kind === "string") return isXmlText(value) ? value.toXml() : value;
  if (shape.kind === "integer") return toInteger(shape.bits, value);
  if (shape.kind === "optional" && value !== null) return toWire(shape.item, value);
  if (shape.kind !== "array") return value;
  if (shape.item === TypedParam) return toParams(value as ParamsInput);
  return Array.isArray(value) ? value.map((each: unknown) => toWire(shape.item, each)) : value;
}

function isXmlText(value: unknown): value is { toXml(): string } {
  return typeof value === "object" && value !== null && "toXml" in value;
}

function toInteger(bits: number, value: unknown): unknown {
  if (typeof value === "boolean") return value ? 1 : 0;
  return bits === 64 && typeof value === "number" ? BigInt(value) : value;
}

/** What the wire says, as a caller has it: objects with their methods, typed parameters by name, bytes of its own. */
export type Reading = (value: unknown, wrap: Wrap) => unknown;

const readings = new WeakMap<Codec, Reading>();

/** How values of a type are read: found out once. */
export function readingOf(codec: Codec): Reading {
  const known = readings.get(codec);
  if (known !== undefined) return known;
  const reading = makeReading(codec);
  readings.set(codec, reading);
  return reading;
}

export function fromWire(codec: Codec, value: unknown, wrap: Wrap): unknown {
  return readingOf(codec)(value, wrap);
}

const asItIs: Reading = (value) => value;
/** Bytes are a view of their message, which would live as long as they do. */
const asCopy: Reading = (value) => (value instanceof Uint8Array ? value.slice() : value);

function makeReading(codec: Codec): Reading {
  const kind = kinds.get(codec);
  if (kind !== undefined) return (value, wrap) => wrap(kind, value as Readonly<Record<string, unknown>>);
  const { shape } = codec;
  if (shape.kind === "optional") return optionalReading(shape.item);
  if (shape.kind === "array") return listReading(shape.item);
  if (shape.kind === "struct") return structReading(shape.fields);
  return ["integer", "boolean", "double", "string"].includes(shape.kind) ? asItIs : asCopy;
}

function optionalReading(item: Codec): Reading {
  const reading = readingOf(item);
  return (value, wrap) => (value === null ? null : reading(value, wrap));
}

function structReading(fields: Fields): Reading {
  const each = Object.entries(fields).map(([name, codec]) => [name, readingOf(codec)] as const);
  return (value, wrap) => {
    const said = value as Readonly<Record<string, unknown>>;
    const read: Record<string, unknown> = {};
    for (const [name, reading] of each) read[name] = reading(said[name], wrap);
    return read;
  };
}

function listReading(item: Codec): Reading {
  if (item === TypedParam) return (list) => fromParams(list as readonly TypedParam[]);
  if (isNamedNumber(item)) {
    return (list) =>
      Object.fromEntries(
        (list as readonly { field: string; value: bigint }[]).map(({ field, value }) => [field, value]),
      );
  }
  const reading = readingOf(item);
  if (reading === asItIs) return asItIs;
  return (list, wrap) => (list as readonly unknown[]).map((each) => reading(each, wrap));
}

/** The host's statistics: a list of names with numbers. */
function isNamedNumber({ shape }: Codec): boolean {
  if (shape.kind !== "struct") return false;
  const { field, value, ...others } = shape.fields;
  return field !== undefined && value?.shape.kind === "integer" && Object.keys(others).length === 0;
}
