import { ErrorCode, ErrorDomain, type Secret, VirError } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import { fillUuid, formatObject, readRoot } from "../objects/object-xml.ts";

/** What a secret is for, without its value. */
export interface SecretDefinition {
  readonly reference: Secret;
  /** Not to be kept on disk. */
  readonly isEphemeral: boolean;
  /** Not to be shown to anybody. */
  readonly isPrivate: boolean;
  readonly root: Element;
}

/** By virSecretUsageType, from 1 on: how it is written, how libvirt speaks of it, and what says which one it is. */
const usages = [
  { type: "volume", noun: "volume", element: "volume", what: "volume path" },
  { type: "ceph", noun: "Ceph", element: "name", what: "name" },
  { type: "iscsi", noun: "iSCSI", element: "target", what: "target" },
  { type: "tls", noun: "TLS", element: "name", what: "name" },
  { type: "vtpm", noun: "vTPM", element: "name", what: "name" },
] as const;

/** The virSecretUsageType for what a disk says its secret is: "passphrase", "ceph", "iscsi" and so on; 0: nothing known. */
export function usageTypeOf(type: string): number {
  const name = type === "passphrase" ? "volume" : type;
  return usages.findIndex((each) => each.type === name) + 1;
}

const kind = { root: "secret", domain: ErrorDomain.secret, place: "definition_of_secret" };

/** Reads a definition and brings it to libvirt's form; what libvirt does not know is left out. Throws VirError. */
export function parseSecret(xml: string): SecretDefinition {
  const given = readRoot(xml, kind);
  const [isEphemeral, isPrivate] = [readYesNo(given, "ephemeral"), readYesNo(given, "private")];
  const uuid = fillUuid(given, ErrorCode.internalError, ErrorDomain.secret);
  const usage = readUsage(given);
  const description = given.first("description");
  const attributes = { ephemeral: isEphemeral ? "yes" : "no", private: isPrivate ? "yes" : "no" };
  const root = new Element("secret", attributes, [
    Element.leaf("uuid", uuid),
    ...(description === undefined ? [] : [Element.leaf("description", description.text)]),
    ...usage.elements,
  ]);
  return { reference: { uuid, usageType: usage.number, usageId: usage.id }, isEphemeral, isPrivate, root };
}

export function formatSecret({ root }: SecretDefinition): string {
  return formatObject(root, { opened: [] });
}

function readUsage(root: Element): { readonly number: number; readonly id: string; readonly elements: Element[] } {
  const none = { number: 0, id: "", elements: [] };
  const given = root.first("usage");
  if (given === undefined) return none;
  const type = given.attribute("type");
  if (type === undefined) throw failure(ErrorCode.xmlError, "unknown secret usage type");
  if (type === "none") return none;
  const index = usages.findIndex((each) => each.type === type);
  const usage = usages[index];
  if (usage === undefined) throw failure(ErrorCode.configUnsupported, `unknown secret usage type ${type}`);
  const id = given.first(usage.element)?.text ?? "";
  if (id === "") throw failure(ErrorCode.internalError, `${usage.noun} usage specified, but ${usage.what} is missing`);
  return { number: index + 1, id, elements: [new Element("usage", { type }, [Element.leaf(usage.element, id)])] };
}

function readYesNo(root: Element, name: string): boolean {
  const value = root.attribute(name);
  if (value === undefined || value === "no") return false;
  if (value === "yes") return true;
  throw failure(ErrorCode.xmlError, `invalid value of '${name}'`);
}

function failure(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.secret, detail);
}
