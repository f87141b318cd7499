import { findUser, groupId, ownIdentity, type UserIdentity } from "../../../os/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";

/** As whom guests run on this host, and what becomes of their files meanwhile. */
export interface SecurityPolicy {
  /** As whom QEMU runs, unless a guest's definition says otherwise. */
  readonly user: UserIdentity;
  /** The daemon is root, and may change to other users: then it has libvirt's security model `dac`. */
  readonly isPrivileged: boolean;
  /** What a guest uses belongs to QEMU's user for as long. */
  readonly givesFiles: boolean;
}

/** As whom one guest runs. */
export interface GuestUser {
  readonly user: UserIdentity;
  /** Absent: it has to do with its files as they are. */
  readonly fileOwner: Owner | undefined;
}

/** Whose a file is. */
export type Owner = Pick<UserIdentity, "uid" | "gid">;

/** Every guest runs as the daemon does. */
export function ownPolicy(): SecurityPolicy {
  const user = ownIdentity();
  return { user, isPrivileged: user.uid === 0, givesFiles: false };
}

/** Throws VirError when the definition names a user that the host does not have. */
export function guestUser(root: Element, policy: SecurityPolicy): GuestUser {
  const label = root.all("seclabel").find(isDac);
  const user = labelled(label) ?? policy.user;
  const type = label?.attribute("type") ?? "dynamic";
  const relabels = label === undefined || label.attribute("relabel") === "yes";
  // Whatever root is to use it can use as it is.
  const isGiven = policy.givesFiles && relabels && type !== "none" && user.uid !== 0;
  return { user, fileOwner: isGiven ? { uid: user.uid, gid: user.gid } : undefined };
}

/** The user that a static label names. */
function labelled(label: Element | undefined): UserIdentity | undefined {
  if (label?.attribute("type") !== "static") return undefined;
  return parseLabel(label.first("label")?.text.trim() ?? "");
}

/** Reads "user:group", each a name or "+number". Throws VirError. */
export function parseLabel(text: string): UserIdentity {
  const [, user, group] = /^([^:]+):([^:]+)$/.exec(text) ?? [];
  if (user === undefined || group === undefined) throw wrong(`Failed to parse uid and gid from '${text}'`);
  const found = findUser(numberIn(user) ?? user);
  const uid = found?.uid ?? numberIn(user) ?? plainNumber(user);
  if (uid === undefined) throw wrong(`Failed to parse user '${user}'`);
  return { uid, gid: gidOf(group), hasAccount: found !== undefined };
}

function gidOf(group: string): number {
  try {
    return groupId(numberIn(group) ?? group);
  } catch (error) {
    const gid = plainNumber(group);
    if (error instanceof RangeError && gid !== undefined) return gid;
    throw wrong(`Failed to parse group '${group}'`, error);
  }
}

function numberIn(text: string): number | undefined {
  return text.startsWith("+") ? plainNumber(text.slice(1)) : undefined;
}

/** A name of digits alone counts as a number where nobody has that name. */
function plainNumber(text: string): number | undefined {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  // The last one is no user: for chown it means "as it is".
  return value < 2 ** 32 - 1 ? value : undefined;
}

export function isDac(label: Element): boolean {
  return label.attribute("model") === "dac";
}

function wrong(detail: string, cause?: unknown): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.none, detail, cause);
}
