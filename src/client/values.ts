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
import type { Codec } from "../xdr/index.ts";
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
export function fromWire(codec: Codec, value: unknown, wrap: Wrap): unknown {
  const kind = kinds.get(codec);
  if (kind !== undefined) return wrap(kind, value as Readonly<Record<string, unknown>>);
  const { shape } = codec;
  if (shape.kind === "optional") return value === null ? null : fromWire(shape.item, value, wrap);
  if (shape.kind === "array") return listFromWire(shape.item, value as readonly unknown[], wrap);
  if (shape.kind === "struct") {
    const fields = value as Readonly<Record<string, unknown>>;
    return Object.fromEntries(
      Object.entries(shape.fields).map(([name, field]) => [name, fromWire(field, fields[name], wrap)]),
    );
  }
  // Bytes are a view of their message, which would live as long as they do.
  return value instanceof Uint8Array ? value.slice() : value;
}

function listFromWire(item: Codec, list: readonly unknown[], wrap: Wrap): unknown {
  if (item === TypedParam) return fromParams(list as readonly TypedParam[]);
  if (isNamedNumber(item)) {
    return Object.fromEntries(
      (list as readonly { field: string; value: bigint }[]).map((each) => [each.field, each.value]),
    );
  }
  return list.map((each) => fromWire(item, each, wrap));
}

/** The host's statistics: a list of names with numbers. */
function isNamedNumber({ shape }: Codec): boolean {
  if (shape.kind !== "struct") return false;
  const { field, value, ...others } = shape.fields;
  return field !== undefined && value?.shape.kind === "integer" && Object.keys(others).length === 0;
}
