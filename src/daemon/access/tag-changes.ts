import { tagNamespace, tagsIn } from "../../driver/domain-tags.ts";
import type { CallContext, DriverProcedures } from "../../driver/driver.ts";
import { spellUuid } from "../../driver/objects/object-xml.ts";
import { ErrorCode, VirError } from "../../protocol/index.ts";
import { type Element, type Pause, parseXmlInChunks, XmlError } from "../../xml/index.ts";

type Args = Readonly<Record<string, unknown>>;
type Definitions = readonly (readonly string[])[];

/** Where the tags of domains are found, by their uuids. */
export interface TagSource {
  readonly tagsOf?: (uuid: string) => Definitions;
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
/** Calls that bring one out of a file or from another host: what is in it only the driver sees. */
const unseen = /^domain(Restore|SaveImageDefineXml|ManagedSaveDefineXml|MigratePrepare)/;
const elementType = 2;

/** Whether domains may have other tags after such a call. */
export function mayChangeTags(call: string, args: Args): boolean {
  if (call === "domainSetMetadata") return args["type"] === elementType && args["uri"] === tagNamespace;
  return defining.has(call) || call === "domainRevertToSnapshot" || unseen.test(call);
}

/** What a call that may change tags makes of them. */
export interface TagChange {
  /** Those of the domain that it is about; of a new one, those that it gets. Undefined where the arguments do not tell. */
  readonly tags: Definitions | undefined;
  readonly isChange: boolean;
}

/** Rejects with the driver's error when there is no such snapshot. */
export async function tagChangeOf(question: TagQuestion): Promise<TagChange> {
  const { call, args, hypervisor } = question;
  const uuid = uuidIn(args);
  const tags = uuid === undefined ? undefined : hypervisor.tagsOf?.(uuid);
  if (call === "domainRevertToSnapshot") {
    const definitions = await definitionsIn(await snapshotXml(question), question.pause);
    return { tags, isChange: definitions.length === 0 || !isSame(definitions.map(tagsIn), tags) };
  }
  if (!defining.has(call)) return { tags, isChange: true };
  const [root] = await definitionsIn(String(args["xml"] ?? args["xmlDesc"]), question.pause);
  // The driver will refuse it.
  if (root === undefined) return { tags: undefined, isChange: false };
  const given = tagsIn(root);
  const before = await tagsBefore(root, question);
  return before.length === 0
    ? { tags: [given], isChange: given.length > 0 }
    : { tags: before, isChange: !isSame([given], before) };
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

async function snapshotXml({ args, procedures, context }: TagQuestion): Promise<string> {
  const secure = 1;
  const found = await procedures.domainSnapshotGetXmlDesc?.({ snap: args["snap"] as never, flags: secure }, context);
  return found?.xml ?? "";
}

/** Domains in a text: the root itself, or what a snapshot remembers of one. None: it cannot be read. */
async function definitionsIn(xml: string, pause: Pause): Promise<readonly Element[]> {
  try {
    const { root } = await parseXmlInChunks(xml, pause);
    if (root.localName === "domain") return [root];
    return ["domain", "inactiveDomain"].flatMap((name) => root.all(name));
  } catch (error) {
    if (error instanceof XmlError) return [];
    throw error;
  }
}

function isSame(some: Definitions, others: Definitions | undefined): boolean {
  const texts = [...some, ...(others ?? [])].map((tags) => JSON.stringify(tags.toSorted()));
  return others !== undefined && new Set(texts).size <= 1;
}
