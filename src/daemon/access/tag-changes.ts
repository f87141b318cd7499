import { tagNamespace, tagsIn } from "../../driver/domain-tags.ts";
import type { CallContext, DriverProcedures } from "../../driver/driver.ts";
import { spellUuid } from "../../driver/objects/object-xml.ts";
import { ErrorCode, VirError } from "../../protocol/index.ts";
import { type Element, type Pause, parseXmlInChunks, XmlError } from "../../xml/index.ts";

type Args = Readonly<Record<string, unknown>>;
type Definitions = readonly (readonly string[])[];

/** Where the tags of domains are found, by their uuids: a hypervisor. */
export interface TagSource {
  readonly tagsOf?: (uuid: string) => Definitions;
  readonly asksForTags?: ReadonlySet<string>;
}

export interface TagQuestion {
  /** The row's name. */
  readonly call: string;
  readonly args: Args;
  readonly hypervisor: TagSource;
  readonly procedures: DriverProcedures;
  readonly context: CallContext;
  readonly pause: Pause;
}

/** Calls that bring a definition which their caller writes. */
const defining: ReadonlySet<string> = new Set([
  "domainDefineXml",
  "domainDefineXmlFlags",
  "domainCreateXml",
  "domainCreateXmlWithFiles",
]);
/** Calls that bring one out of a file, a snapshot or from another host: what is in it only the driver sees. */
const unseen = /^domain(RevertToSnapshot|Restore|SaveImageDefineXml|ManagedSaveDefineXml|MigratePrepare)/;
const elementType = 2;

/** Whether domains may have other tags after such a call. */
export function mayChangeTags(call: string, args: Args): boolean {
  if (call === "domainSetMetadata") return args["type"] === elementType && args["uri"] === tagNamespace;
  return defining.has(call) || unseen.test(call);
}

/** What a call that may change tags makes of them. */
export interface TagChange {
  /** Those of the domain that it is about; of a new one, those that it gets. Undefined where the arguments do not tell. */
  readonly tags: Definitions | undefined;
  /** "unseen": its handler will ask, with what it finds. */
  readonly isChange: boolean | "unseen";
}

/** Rejects with the driver's error. */
export async function tagChangeOf(question: TagQuestion): Promise<TagChange> {
  const { call, args, hypervisor } = question;
  const uuid = uuidIn(args);
  const tags = uuid === undefined ? undefined : hypervisor.tagsOf?.(uuid);
  if (!defining.has(call)) return { tags, isChange: hypervisor.asksForTags?.has(call) === true ? "unseen" : true };
  const root = await definitionIn(String(args["xml"] ?? args["xmlDesc"]), question.pause);
  // The driver will refuse it.
  if (root === undefined) return { tags: undefined, isChange: false };
  const given = tagsIn(root);
  const before = await tagsBefore(root, question);
  return before.length === 0
    ? { tags: [given], isChange: given.length > 0 }
    : { tags: before, isChange: !isSame([given], before) };
}

/** Whether the domain that a call is about has these tags as it is. */
export function hasTags({ args, hypervisor }: Pick<TagQuestion, "args" | "hypervisor">, tags: Definitions): boolean {
  return isSame(tags, hypervisor.tagsOf?.(uuidIn(args) ?? ""));
}

/** The domain that the arguments name, whatever they call it. */
export function uuidIn(args: Args): string | undefined {
  const ref = ["dom", "snap", "snapshot", "checkpoint"].map((key) => args[key]).find((each) => each !== undefined) as
    | { readonly uuid?: string; readonly dom?: { readonly uuid?: string } }
    | undefined;
  return ref?.dom?.uuid ?? ref?.uuid;
}

/** Of whoever has the uuid or the name that a definition has: drivers go by both. */
async function tagsBefore(root: Element, question: TagQuestion): Promise<Definitions> {
  const named = await uuidOfName(root.first("name")?.text ?? "", question);
  const uuids = new Set([spellUuid(root.first("uuid")?.text ?? ""), named]);
  return [...uuids].flatMap((uuid) => (uuid === undefined ? [] : (question.hypervisor.tagsOf?.(uuid) ?? [])));
}

async function uuidOfName(name: string, { procedures, context }: TagQuestion): Promise<string | undefined> {
  try {
    return (await procedures.domainLookupByName?.({ name }, context))?.dom.uuid;
  } catch (error) {
    if (error instanceof VirError && error.code === ErrorCode.noDomain) return undefined;
    throw error;
  }
}

/** Undefined where it cannot be read. */
async function definitionIn(xml: string, pause: Pause): Promise<Element | undefined> {
  try {
    const { root } = await parseXmlInChunks(xml, pause);
    return root.localName === "domain" ? root : undefined;
  } catch (error) {
    if (error instanceof XmlError) return undefined;
    throw error;
  }
}

function isSame(some: Definitions, others: Definitions | undefined): boolean {
  const texts = [...some, ...(others ?? [])].map((tags) => JSON.stringify(tags.toSorted()));
  return others !== undefined && new Set(texts).size <= 1;
}
