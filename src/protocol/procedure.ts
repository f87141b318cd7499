import { type Fields, type Struct, struct, type TypeOf } from "../xdr/index.ts";

/**
 * What a read-only connection may do with a procedure: call it, not call it, or call it unless an argument has one of
 * these bits: `flags`, or the one that is named. `detail` is the refusal where libvirt words it in another way than for
 * "denied".
 */
export type ReadOnlyRule =
  | "allowed"
  | "denied"
  | { readonly unlessFlags: number; readonly argument?: string; readonly detail?: string };

/** A stream that a call opens when its reply is no error. */
export interface StreamRule {
  /** Who sends data. */
  readonly direction: "download" | "upload" | "both";
  /** Holes may stand for data when the call's `flags` have one of these bits; default: never. */
  readonly holesIfFlags?: number;
}

interface Row {
  /** Access rights asked for, `object:permission`, in libvirt's words; several are separated by a space. */
  readonly acl?: string;
  /** Never waits for a guest or another slow thing, so it may overtake calls that do. */
  readonly priority?: boolean;
  /** Default "denied". */
  readonly readOnly?: ReadOnlyRule;
  /** With which message descriptors are passed; default: with none. */
  readonly fds?: "call" | "reply";
  /** libvirt's function where its name does not follow from the row's; null when there is none. */
  readonly api?: string | null;
}

/** A row of the table that a client calls. */
export interface Call<A extends Fields = Fields, R extends Fields = Fields> {
  readonly kind: "call";
  readonly number: number;
  readonly args: Struct<A>;
  readonly ret: Struct<R>;
  readonly acl: string;
  readonly priority: boolean;
  readonly readOnly: ReadOnlyRule;
  readonly fds: "call" | "reply" | undefined;
  readonly api: string | null | undefined;
  readonly stream: StreamRule | undefined;
}

/** A call that opens a stream. */
export interface StreamCall<A extends Fields = Fields, R extends Fields = Fields> extends Call<A, R> {
  readonly stream: StreamRule;
}

/** Whether a read-only connection may make a call with these arguments. */
export function allowsReadOnly(rule: ReadOnlyRule, args: unknown): boolean {
  if (typeof rule === "string") return rule === "allowed";
  const value = (args as Readonly<Record<string, unknown>>)[rule.argument ?? "flags"];
  return typeof value === "number" && (value & rule.unlessFlags) === 0;
}

/** Whether holes may stand for data in the stream that a call with these arguments opens. */
export function holesAllowed({ stream }: StreamCall, args: unknown): boolean {
  const { flags } = args as { readonly flags?: unknown };
  return typeof flags === "number" && (flags & (stream.holesIfFlags ?? 0)) !== 0;
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
    fds: row.fds,
    api: row.api,
    stream: undefined,
  };
}

export function streamProc<const A extends Fields = None, const R extends Fields = None>(
  number: number,
  { stream, ...row }: Row & { readonly args?: A; readonly ret?: R; readonly stream: StreamRule },
): StreamCall<A, R> {
  return { ...proc<A, R>(number, row), stream };
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
/** The rows of a table that are called, those of them that open a stream, and those that are sent unasked. */
export type CallName<T extends Table> = Names<T, "call">;
export type StreamName<T extends Table> = { [N in keyof T]: T[N] extends StreamCall ? N : never }[keyof T];
export type EventName<T extends Table> = Names<T, "event">;

/** What the handler of a call that opens a stream returns: the reply, and who serves the stream once it has left. */
export interface Streaming<Ret, Serve> {
  readonly ret: Ret;
  readonly serve: Serve;
}

type Answer<P, Serve> = P extends StreamCall ? Streaming<RetOf<P>, Serve> : RetOf<P>;

/** The server's side of a table: one function per call, named as its row. `Serve` is what takes a stream. */
export type Handlers<T extends Table, Context, Serve = never> = {
  readonly [N in CallName<T>]: (
    args: ArgsOf<T[N]>,
    context: Context,
  ) => Answer<T[N], Serve> | Promise<Answer<T[N], Serve>>;
};

/** What a call that opens a stream gives: the reply and the stream. */
export interface Opened<Ret, Stream> {
  readonly ret: Ret;
  readonly stream: Stream;
}

/** The client's side of a table. `Stream` is what stands for a stream. */
export type Client<T extends Table, Options, Stream = unknown> = {
  readonly [N in CallName<T>]: (
    args: ArgsOf<T[N]>,
    options?: Options,
  ) => Promise<T[N] extends StreamCall ? Opened<RetOf<T[N]>, Stream> : RetOf<T[N]>>;
};

/** A program of the wire: numbers and their meaning. */
export interface Program<T extends Table = Table> {
  readonly name: string;
  readonly number: number;
  readonly version: number;
  readonly procedures: T;
}
