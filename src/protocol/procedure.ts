import { type Fields, type Struct, struct, type TypeOf } from "../xdr/index.ts";

/**
 * What a read-only connection may do with a procedure: call it, not call it, or call it unless its `flags` argument has
 * one of these bits. `detail` is the refusal where libvirt words it in another way than for "denied".
 */
export type ReadOnlyRule = "allowed" | "denied" | { readonly unlessFlags: number; readonly detail?: string };

interface Row {
  /** Access rights asked for, `object:permission`, in libvirt's words; several are separated by a space. */
  readonly acl?: string;
  /** Never waits for a guest or another slow thing, so it may overtake calls that do. */
  readonly priority?: boolean;
  /** Default "denied". */
  readonly readOnly?: ReadOnlyRule;
}

/** A row of the table that a client calls. */
export interface Call<A extends Fields = Fields, R extends Fields = Fields> extends Required<Row> {
  readonly kind: "call";
  readonly number: number;
  readonly args: Struct<A>;
  readonly ret: Struct<R>;
}

/** A row of the table that a server sends unasked. */
export interface Event<M extends Fields = Fields> {
  readonly kind: "event";
  readonly number: number;
  readonly message: Struct<M>;
}

export type Procedure = Call | Event;
export type Table = Readonly<Record<string, Procedure>>;

type None = {};

export function proc<const A extends Fields = None, const R extends Fields = None>(
  number: number,
  row: Row & { readonly args?: A; readonly ret?: R },
): Call<A, R> {
  return {
    kind: "call",
    number,
    args: struct("args", (row.args ?? {}) as A),
    ret: struct("ret", (row.ret ?? {}) as R),
    acl: row.acl ?? "none",
    priority: row.priority ?? false,
    readOnly: row.readOnly ?? "denied",
  };
}

export function event<const M extends Fields>(number: number, message: M): Event<M> {
  return { kind: "event", number, message: struct("message", message) };
}

type Value<F extends Fields> = TypeOf<Struct<F>>;
type Names<T extends Table, Kind extends Procedure["kind"]> = {
  [N in keyof T]: T[N]["kind"] extends Kind ? N : never;
}[keyof T];

export type ArgsOf<P> = P extends Call<infer A> ? Value<A> : never;
export type RetOf<P> = P extends Call<Fields, infer R> ? ([keyof R] extends [never] ? void : Value<R>) : never;
export type MessageOf<P> = P extends Event<infer M> ? Value<M> : never;
/** The rows of a table that are called, and those that are sent unasked. */
export type CallName<T extends Table> = Names<T, "call">;
export type EventName<T extends Table> = Names<T, "event">;

/** The server's side of a table: one function per call, named as its row. */
export type Handlers<T extends Table, Context> = {
  readonly [N in CallName<T>]: (args: ArgsOf<T[N]>, context: Context) => RetOf<T[N]> | Promise<RetOf<T[N]>>;
};

/** The client's side of a table. */
export type Client<T extends Table, Options> = {
  readonly [N in CallName<T>]: (args: ArgsOf<T[N]>, options?: Options) => Promise<RetOf<T[N]>>;
};

/** A program of the wire: numbers and their meaning. */
export interface Program<T extends Table = Table> {
  readonly name: string;
  readonly number: number;
  readonly version: number;
  readonly procedures: T;
}
