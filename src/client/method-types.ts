import type { StreamCall, TypedParam, TypedValue } from "../protocol/index.ts";
import type { Flags } from "./flags.ts";
import type { ObjectOf } from "./objects.ts";
import type { Args, Flagged, Kind, MethodName, OwnerOf, Ret, RowName, Rows } from "./rows.ts";
import type { ParamsInput, ParamValues } from "./typed-values.ts";
import type { ByteChannel } from "./web-streams.ts";

/** How a call is made. */
export interface CallOptions {
  /** Aborting gives the call up: on our daemon it is cancelled there too. The call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * So long the call may take, in ms; then it rejects with VirError operationTimeout. Infinity: as long as the connection
   * lives. RangeError for what is no time, and nothing is sent. Default: as the connection says.
   */
  readonly timeoutMs?: number;
  /** Our daemon does the call once, however often it is made with this key. Others: VirError noSupport. */
  readonly key?: string;
  /** Descriptors to go along, where the connection can pass any: StateError elsewhere. */
  readonly fds?: readonly number[];
}

/** Arguments that the library gives itself: how many answers there is room for. */
export type Implied =
  | "needResults"
  | "maxnames"
  | "maxids"
  | "maxStats"
  | "maxerrors"
  | "needMap"
  | "needOnline"
  | "nparams";
/** Counts beside the list that they count. */
type Count = "ret" | "nparams" | "nerrors";

type Given<N extends RowName> = Exclude<keyof Args<N>, OwnerOf<N>["self"] | Implied | "flags">;
type FlagsRow<N extends RowName> = "flags" extends keyof Args<N> ? N : Flagged<N>;
type OptionsOf<N extends RowName> = [FlagsRow<N>] extends [never]
  ? CallOptions
  : CallOptions & { readonly flags?: Flags<FlagsRow<N>> };

type IsOne<T, All = T> = T extends unknown ? ([All] extends [T] ? true : false) : never;

/** Something that can be said in XML: a definition. */
export interface XmlText {
  toXml(): string;
}
type XmlField = "xml" | "xmlDesc" | "dxml" | "domXml" | "domainXml" | "xmlin" | "destxml";

/** 64 bit may be given as a number, a list of typed parameters as an object, and what is an int of C's as what it means. */
type Input<F, V> = F extends "autostart"
  ? boolean
  : F extends XmlField
    ? V | XmlText
    : V extends bigint
      ? bigint | number
      : V extends readonly TypedParam[]
        ? ParamsInput
        : V extends readonly bigint[]
          ? readonly (bigint | number)[]
          : V;
type IsNullable<V> = null extends V ? true : false;
type NullableKeys<N extends RowName> = {
  [F in Given<N>]: IsNullable<Args<N>[F]> extends true ? F : never;
}[Given<N>];
type Named<N extends RowName> = {
  readonly [F in Exclude<Given<N>, NullableKeys<N>>]: Input<F, Args<N>[F]>;
} & { readonly [F in NullableKeys<N>]?: Input<F, Args<N>[F]> | undefined };

/** No argument: the options alone. One: itself. Several: an object of them; what may be null may be left out. */
type Parameters<N extends RowName> = [Given<N>] extends [never]
  ? [options?: OptionsOf<N>]
  : IsOne<Given<N>> extends true
    ? IsNullable<Args<N>[Given<N>]> extends true
      ? [value?: Input<Given<N>, Args<N>[Given<N>]>, options?: OptionsOf<N>]
      : [value: Input<Given<N>, Args<N>[Given<N>]>, options?: OptionsOf<N>]
    : [args: Named<N>, options?: OptionsOf<N>];

/** Which object stands in a field of this name. */
interface Fields {
  dom: "domain";
  ddom: "domain";
  domains: "domain";
  snap: "snapshot";
  snapshots: "snapshot";
  checkpoint: "checkpoint";
  checkpoints: "checkpoint";
  parent: "checkpoint";
  net: "network";
  nets: "network";
  port: "networkPort";
  ports: "networkPort";
  iface: "hostInterface";
  ifaces: "hostInterface";
  pool: "storagePool";
  pools: "storagePool";
  vol: "volume";
  vols: "volume";
  dev: "nodeDevice";
  devices: "nodeDevice";
  secret: "secret";
  secrets: "secret";
  nwfilter: "nwfilter";
  filters: "nwfilter";
  bindings: "nwfilterBinding";
}
type FieldKind<F, V> = V extends { readonly portdev: string }
  ? "nwfilterBinding"
  : V extends { readonly addrs: unknown }
    ? never
    : F extends keyof Fields
      ? Fields[F]
      : never;

export type Output<F, V> = V extends Uint8Array
  ? Uint8Array
  : V extends readonly TypedParam[]
    ? ParamValues
    : V extends readonly { readonly field: string; readonly value: bigint }[]
      ? Readonly<Record<string, bigint>>
      : V extends readonly (infer Item)[]
        ? readonly OutputItem<F, Item>[]
        : OutputItem<F, V>;
type OutputItem<F, V> = V extends TypedValue | Uint8Array
  ? V
  : V extends object
    ? [FieldKind<F, V>] extends [never]
      ? { readonly [K in keyof V]: Output<K, V[K]> }
      : ObjectOf<FieldKind<F, V>>
    : V;

type RetKeys<N extends RowName> = Ret<N> extends void ? never : keyof Ret<N>;
type HasList<N extends RowName> = {
  [F in keyof Ret<N>]: Ret<N>[F] extends readonly unknown[] ? true : never;
}[keyof Ret<N>];
/** A list says itself how long it is. */
type Told<N extends RowName> = [HasList<N>] extends [never] ? RetKeys<N> : Exclude<RetKeys<N>, Count>;

/** An int of C's that says yes or no. */
type IsTruth<N extends string, F> = N extends `${string}Is${string}` | `${string}Has${string}`
  ? true
  : F extends "autostart" | "supported"
    ? true
    : false;

type Value<N extends RowName, F extends keyof Ret<N>> = N extends "domainGetCpuStats"
  ? readonly ParamValues[]
  : IsTruth<N, F> extends true
    ? boolean
    : Output<F, Ret<N>[F]>;

/** Nothing, the one thing that the reply says, or an object of what it says. */
type PlainResult<N extends RowName> = [RetKeys<N>] extends [never]
  ? void
  : IsOne<Told<N>> extends true
    ? Value<N, Told<N> & keyof Ret<N>>
    : { readonly [F in Told<N> & keyof Ret<N>]: Value<N, F> };

type Streams = { download: ReadableStream<Uint8Array>; upload: WritableStream<Uint8Array>; both: ByteChannel };
type Direction<N extends RowName> = Rows[N] extends StreamCall ? StreamDirection<N> : never;
type StreamDirection<N> = N extends "storageVolDownload" | "domainScreenshot"
  ? "download"
  : N extends "domainOpenConsole" | "domainOpenChannel"
    ? "both"
    : "upload";
type StreamResult<N extends RowName> = [RetKeys<N>] extends [never]
  ? Streams[Direction<N>]
  : { readonly [F in RetKeys<N> & keyof Ret<N>]: Output<F, Ret<N>[F]> } & { readonly stream: Streams[Direction<N>] };

type FdRow = "domainOpenGraphicsFd";
type Result<N extends RowName> = N extends FdRow
  ? readonly number[]
  : Rows[N] extends StreamCall
    ? StreamResult<N>
    : PlainResult<N>;

export type Method<N extends RowName> = (...args: Parameters<N>) => Promise<Result<N>>;

/** All rows of a kind of objects as its methods: derived from the table, so what the table has is there. */
export type Methods<K extends Kind | "connection"> = {
  readonly [N in keyof Rows as N extends RowName
    ? OwnerOf<N>["kind"] extends K
      ? MethodName<N>
      : never
    : never]: N extends RowName ? Method<N> : never;
};
