import { findUser, groupId } from "../../os/index.ts";
import type { Principal } from "../principal.ts";
import { wildcardSource } from "../wildcard.ts";

/** One line of what the owner has said: who may do what with which objects, or may not. */
interface AccessRule {
  readonly text: string;
  readonly allows: boolean;
  readonly isAbout: (principal: Principal) => boolean;
  readonly permissions: RegExp;
  /** Undefined: all. */
  readonly names: RegExp | undefined;
}

/** An answer, and why: for the log, and for who is denied. */
export interface Verdict {
  readonly allowed: boolean;
  readonly reason: string;
}

/**
 * Who may do what, in libvirt's words for permissions: "domain:start". The first rule that is about somebody, a
 * permission and an object decides. Where none is, root, the daemon's own user and members of the sockets' group may,
 * and others may not.
 */
export class AccessRules {
  readonly #rules: readonly AccessRule[];
  readonly #group: number | undefined;

  /** `group`: the number of the sockets' group. Throws RangeError, which says what is wrong with a rule. */
  constructor(texts: readonly string[], group?: number) {
    this.#rules = texts.map(parseRule);
    this.#group = group;
  }

  /**
   * `name`: of the object, "" where the permission is about the connection. Undefined where it is not known, or all are meant: a
   * rule that denies some denies it then, and one that allows some does not allow it.
   */
  decide(principal: Principal, permission: string, name: string | undefined): Verdict {
    const index = this.#rules.findIndex(
      (rule) => rule.permissions.test(permission) && isNamed(rule, name) && rule.isAbout(principal),
    );
    const rule = this.#rules[index];
    if (rule !== undefined) return { allowed: rule.allows, reason: `rule ${index + 1}, "${rule.text}"` };
    return { allowed: this.#isTrusted(principal), reason: "no rule allows it" };
  }

  /** Only the kernel's word counts here: names can be chosen. */
  #isTrusted({ identity, groups = [] }: Principal): boolean {
    if (identity === undefined) return false;
    const isOwner = identity.uid === 0 || identity.uid === process.getuid?.();
    return isOwner || (this.#group !== undefined && [identity.gid, ...groups].includes(this.#group));
  }
}

/** Undefined when the rule can be meant; else what is wrong with it. */
export function faultOfRule(text: string): string | undefined {
  try {
    parseRule(text);
    return undefined;
  } catch (error) {
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

function isNamed({ names, allows }: AccessRule, name: string | undefined): boolean {
  if (names === undefined) return true;
  return name === undefined ? !allows : names.test(name);
}

const form =
  "a rule is: allow|deny WHO PERMISSION[,...] [on NAME[,...]], and WHO user NAME, group NAME, certificate DN or anybody";
const words = /'([^']*)'|(\S+)/g;

function parseRule(text: string): AccessRule {
  const said = [...text.matchAll(words)].map(([, quoted, plain = ""]) => quoted ?? plain);
  const [verdict, kind = "", ...rest] = said;
  if (verdict !== "allow" && verdict !== "deny") throw new RangeError(form);
  const isAbout = whoIs(kind, kind === "anybody" ? "" : (rest.shift() ?? ""));
  const [permissions, on, names, ...more] = rest;
  if (permissions === undefined || more.length > 0 || (on !== undefined && (on !== "on" || names === undefined)))
    throw new RangeError(form);
  for (const each of permissions.split(",")) {
    if (!/^(\*|[a-z_*?]+:[a-z_*?]+)$/.test(each))
      throw new RangeError(`"${each}" is no permission: they are written domain:start, domain:*, *:read or *`);
  }
  return {
    text,
    allows: verdict === "allow",
    isAbout,
    permissions: anyOf(permissions),
    names: names === undefined ? undefined : anyOf(names),
  };
}

/** A name stands for who has logged in under it, and for this machine's user of that name. */
function whoIs(kind: string, name: string): (principal: Principal) => boolean {
  if (kind === "anybody") return () => true;
  if (name === "") throw new RangeError(form);
  if (kind === "certificate") {
    const pattern = anyOf(name, "\n");
    return ({ certificate }) => certificate !== undefined && pattern.test(certificate);
  }
  if (kind === "user") {
    const uid = findUser(name)?.uid;
    return ({ user, identity }) => user === name || (user === undefined && uid !== undefined && identity?.uid === uid);
  }
  if (kind !== "group") throw new RangeError(form);
  const gid = groupId(name);
  return ({ identity, groups = [] }) => identity !== undefined && [identity.gid, ...groups].includes(gid);
}

function anyOf(list: string, separator = ","): RegExp {
  return new RegExp(`^(?:${list.split(separator).map(wildcardSource).join("|")})$`, "su");
}
