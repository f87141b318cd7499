import { findUser, groupId } from "../../os/index.ts";
import type { Principal } from "../principal.ts";
import { wildcardSource } from "../wildcard.ts";
import { anything, type Judge, type Target, type Verdict } from "./judge.ts";

/** To be asked for by name: what tags say decides what others may do. */
export const tagPermission = "domain:tag";

/** One line of what the owner has said: who may do what with which objects, or may not. */
interface AccessRule {
  readonly text: string;
  readonly allows: boolean;
  readonly isAbout: (principal: Principal) => boolean;
  readonly permissions: RegExp;
  /** It can allow somebody to change tags. */
  readonly grantsTags: boolean;
  /** Undefined: all. */
  readonly names: RegExp | undefined;
  readonly tags: RegExp | undefined;
}

/**
 * Who may do what, in libvirt's words for permissions: "domain:start". The first rule that is about somebody, a
 * permission and an object decides. Where none is, root, the daemon's own user and members of the sockets' group may,
 * and others may not.
 */
export class AccessRules implements Judge {
  readonly name = "rules";
  readonly #rules: readonly AccessRule[];
  readonly #group: number | undefined;

  /** `group`: the number of the sockets' group. Throws RangeError, which says what is wrong with a rule. */
  constructor(texts: readonly string[], group?: number) {
    this.#rules = texts.map(parseRule);
    this.#group = group;
  }

  /** It matters what tags domains have. */
  get knowsTags(): boolean {
    return this.#rules.some(({ tags }) => tags !== undefined);
  }

  decideOfAll(principal: Principal, permission: string): Verdict {
    return this.decide(principal, permission, anything);
  }

  /**
   * Of what is not known of the object, a rule that denies some denies it, and one that allows some does not allow it. So it is
   * with tags that one of its definitions has and another has not.
   */
  decide(principal: Principal, permission: string, target: Target): Verdict {
    const index = this.#rules.findIndex(
      (rule) => isOf(rule, permission) && isNamed(rule, target) && isTagged(rule, target) && rule.isAbout(principal),
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

function isOf({ permissions, allows, grantsTags }: AccessRule, permission: string): boolean {
  return permission === tagPermission && allows ? grantsTags : permissions.test(permission);
}

function isNamed({ names, allows }: AccessRule, { name }: Target): boolean {
  if (names === undefined) return true;
  return name === undefined ? !allows : names.test(name);
}

function isTagged({ tags, allows }: AccessRule, { tags: given }: Target): boolean {
  if (tags === undefined) return true;
  if (given === undefined) return !allows;
  const has = (definition: readonly string[]): boolean => definition.some((tag) => tags.test(tag));
  return allows ? given.length > 0 && given.every(has) : given.some(has);
}

const form =
  "a rule is: allow|deny WHO PERMISSION[,...] [on NAME[,...]] [tagged TAG[,...]], and WHO user NAME, group NAME, certificate DN or anybody";
const words = /'([^']*)'|(\S+)/g;

function parseRule(text: string): AccessRule {
  const said = [...text.matchAll(words)].map(([, quoted, plain = ""]) => quoted ?? plain);
  const [verdict, kind = "", ...rest] = said;
  if (verdict !== "allow" && verdict !== "deny") throw new RangeError(form);
  const isAbout = whoIs(kind, kind === "anybody" ? "" : (rest.shift() ?? ""));
  const [permissions, ...conditions] = rest;
  if (permissions === undefined) throw new RangeError(form);
  const names = take("on", conditions);
  const tags = take("tagged", conditions);
  if (conditions.length > 0) throw new RangeError(form);
  for (const each of permissions.split(",")) {
    if (!/^(\*|[a-z_*?]+:[a-z_*?]+)$/.test(each))
      throw new RangeError(`"${each}" is no permission: they are written domain:start, domain:*, *:read or *`);
  }
  return {
    text,
    allows: verdict === "allow",
    isAbout,
    permissions: anyOf(permissions),
    grantsTags: tags === undefined && permissions.split(",").some((each) => each === "*" || each === tagPermission),
    names: names === undefined ? undefined : anyOf(names),
    tags: tags === undefined ? undefined : anyOf(tags),
  };
}

/** What follows a word that may be the next one. */
function take(word: string, words: string[]): string | undefined {
  if (words[0] !== word) return undefined;
  const [, list] = words.splice(0, 2);
  if (list === undefined) throw new RangeError(form);
  return list;
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
