import { type ArgsOf, type Call, type CallName, type Procedure, type RetOf, remote } from "../protocol/index.ts";

/** The rows of libvirt's main program. */
export type Rows = typeof remote.procedures;

/** The rows that the library calls itself: to open, to authenticate, to subscribe. */
type OwnAffair =
  | "connectOpen"
  | "connectClose"
  | `auth${string}`
  | "connectRegisterCloseCallback"
  | "connectUnregisterCloseCallback"
  | `connect${string}Event${string}egister${string}`;

/** The name of a row that is a method of somebody. */
export type RowName = Exclude<CallName<Rows>, Extract<CallName<Rows>, OwnAffair>>;

export type Args<N extends RowName> = ArgsOf<Rows[N]>;
export type Ret<N extends RowName> = RetOf<Rows[N]>;

const ownAffair =
  /^(connectOpen|connectClose|auth.*|connect(Unr|R)egisterCloseCallback|connect.*Event.*(R|Der)egister.*)$/;

/** All rows that are methods, in the order of the table. */
export const rowNames: readonly RowName[] = Object.entries<Procedure>(remote.procedures).flatMap(([name, row]) =>
  row.kind === "call" && !ownAffair.test(name) ? [name as RowName] : [],
);

export function rowOf(name: RowName): Call {
  return remote.procedures[name] as Call;
}

/**
 * Whose method a row is: of the first here whose field is among its arguments, and in whose part of the table it stands.
 * It is called as the row is, without `prefix`, or without `within` where it does not begin so.
 */
export const owners = [
  { kind: "snapshot", self: "snap", within: "domain", prefix: "domainSnapshot" },
  { kind: "snapshot", self: "snapshot", within: "domain", prefix: "domainSnapshot" },
  { kind: "checkpoint", self: "checkpoint", within: "domain", prefix: "domainCheckpoint" },
  { kind: "domain", self: "dom", within: "domain", prefix: "domain" },
  { kind: "networkPort", self: "port", within: "network", prefix: "networkPort" },
  { kind: "network", self: "net", within: "network", prefix: "network" },
  { kind: "network", self: "network", within: "network", prefix: "network" },
  { kind: "hostInterface", self: "iface", within: "interface", prefix: "interface" },
  { kind: "storagePool", self: "pool", within: "storage", prefix: "storagePool" },
  { kind: "volume", self: "vol", within: "storage", prefix: "storageVol" },
  { kind: "secret", self: "secret", within: "secret", prefix: "secret" },
  { kind: "nwfilterBinding", self: "nwfilter", within: "nwfilterBinding", prefix: "nwfilterBinding" },
  { kind: "nwfilter", self: "nwfilter", within: "nwfilter", prefix: "nwfilter" },
  // Rows about a device name it alone; the one that looks it up is the connection's.
  { kind: "nodeDevice", self: "name", within: "nodeDevice", prefix: "nodeDevice" },
] as const;

type Owners = typeof owners;
/** What rows can be about, beside the connection itself. */
export type Kind = Owners[number]["kind"];
export interface Owner<K extends string = Kind | "connection"> {
  readonly kind: K;
  readonly self: string;
  readonly within: string;
  readonly prefix: string;
}
interface ConnectionOwner {
  readonly kind: "connection";
  readonly self: never;
  readonly within: "connect";
  readonly prefix: "connect";
}

type FirstOwner<N extends RowName, L> = L extends readonly [infer H extends Owner, ...infer T]
  ? H["self"] extends keyof Args<N>
    ? N extends `${H["within"]}${string}`
      ? H
      : FirstOwner<N, T>
    : FirstOwner<N, T>
  : ConnectionOwner;

/** Whose method a row is. */
export type OwnerOf<N extends RowName> = N extends "nodeDeviceLookupByName" ? ConnectionOwner : FirstOwner<N, Owners>;

const connectionOwner: Owner = { kind: "connection", self: "", within: "connect", prefix: "connect" };

export function ownerOf(name: RowName): Owner {
  if (name === "nodeDeviceLookupByName") return connectionOwner;
  const { fields } = rowOf(name).args;
  return owners.find(({ self, within }) => Object.hasOwn(fields, self) && name.startsWith(within)) ?? connectionOwner;
}

type Strip<N extends string, P extends string, W extends string> = N extends `${P}${infer Rest}`
  ? Uncapitalize<Rest>
  : N extends `${W}${infer Rest}`
    ? Uncapitalize<Rest>
    : N;

/** How the method of a row is called: `domainGetXmlDesc` is a domain's `getXmlDesc`. */
export type MethodName<N extends RowName> = Strip<N, OwnerOf<N>["prefix"], OwnerOf<N>["within"]>;

export function methodName(name: RowName): string {
  const { prefix, within } = ownerOf(name);
  const rest = [prefix, within].find((start) => name.startsWith(start));
  const stripped = rest === undefined ? name : name.slice(rest.length);
  return stripped.charAt(0).toLowerCase() + stripped.slice(1);
}

/** Pairs that are no younger version of each other, though they are called so. */
type Unrelated = "domainBlockStats" | "domainGetVcpus";

/** The row that does the same with flags, if there is one. */
export type Flagged<N extends RowName> = N extends Unrelated ? never : Extract<`${N}Flags` | `${N}WithFlags`, RowName>;

export function flaggedRow(name: RowName): RowName | undefined {
  if (name === "domainBlockStats" || name === "domainGetVcpus") return undefined;
  return rowNames.find((each) => each === `${name}Flags` || each === `${name}WithFlags`);
}
