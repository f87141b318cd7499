import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { type Element, parseXml, XmlError } from "../../xml/index.ts";
import type { ObjectDefinition } from "../objects/managed-object.ts";
import { changedNetwork } from "./network-definition.ts";
import { type NetworkSection, networkSection } from "./network-sections.ts";

/** A change of one part of a network, as clients ask for it. */
export interface NetworkUpdate {
  /** virNetworkUpdateCommand. */
  readonly command: number;
  /** virNetworkUpdateSection. */
  readonly section: number;
  /** Which of several ip elements is meant; -1: the one that fits. */
  readonly parentIndex: number;
  readonly xml: string;
  /** virNetworkUpdateFlags. */
  readonly flags: number;
}

const commands = { modify: 1, remove: 2, addLast: 3, addFirst: 4 };
const live = 1;
const config = 2;

/** A network, as far as a change of it depends on that. */
export interface ChangeableNetwork {
  readonly name: string;
  readonly isActive: boolean;
  readonly persistent: boolean;
  readonly definition: ObjectDefinition;
  /** What changes of the configuration start from. */
  readonly nextDefinition: ObjectDefinition;
}

/** What a change leads to; absent: that stays as it is. */
export interface NetworkChanges {
  /** Of what runs. */
  readonly live?: ObjectDefinition | undefined;
  /** Of what is kept. */
  readonly next?: ObjectDefinition | undefined;
}

/** Changes the network that runs, what it is to be next, or both; nothing of the network itself. Throws VirError. */
export function changesOf(network: ChangeableNetwork, update: NetworkUpdate): NetworkChanges {
  const either = update.flags & (live | config);
  const wanted = either !== 0 ? either : network.isActive ? live : config;
  if ((wanted & live) !== 0 && !network.isActive) throw invalid("network is not running");
  if ((wanted & config) !== 0 && !network.persistent)
    throw invalid("cannot change persistent config of a transient network");
  const change = (root: Element): void => apply(root, update, network.name);
  return {
    next: (wanted & config) === 0 ? undefined : changedNetwork(network.nextDefinition, change),
    live: (wanted & live) === 0 ? undefined : changedNetwork(network.definition, change),
  };
}

function apply(root: Element, { command, section: number, parentIndex, xml }: NetworkUpdate, network: string): void {
  const section = networkSection(number);
  if (section === undefined) throw unsupported("can't update unrecognized section of network");
  if (typeof section === "string") throw unsupported(`can't update '${section}' section of network '${network}'`);
  const refuse = section.fixed !== undefined && command === commands.modify;
  if (refuse && section.isRefusedUnread === true) throw unsupported(section.fixed);
  const entry = parseEntry(xml, section, network);
  if (refuse) throw unsupported(section.fixed);
  section.check(entry, network, command === commands.remove);
  edit(section.parent(root, parentIndex, network), section, entry, command, network);
}

function edit({ children }: Element, section: NetworkSection, entry: Element, code: number, network: string): void {
  const known = children.findIndex(
    (node) => node.kind === "element" && node.name === section.element && section.isSame(node, entry),
  );
  switch (code) {
    case commands.modify:
      if (known < 0) throw invalid(section.missing(entry, network, "modify"));
      children.splice(known, 1, entry);
      return;
    case commands.remove:
      if (known < 0) throw invalid(section.missing(entry, network, "delete"));
      children.splice(known, 1);
      return;
    case commands.addLast:
    case commands.addFirst:
      if (known >= 0) throw invalid(section.existing(entry, network));
      children.splice(code === commands.addFirst ? 0 : children.length, 0, entry);
      return;
    default:
      throw unsupported(`unrecognized network update command code ${code | 0}`);
  }
}

function parseEntry(xml: string, { element }: NetworkSection, network: string): Element {
  const root = parse(xml);
  if (root.name === element) return root;
  const detail = `unexpected element <${root.name}>, expecting <${element}>, while updating network '${network}'`;
  throw VirError.of(ErrorCode.xmlError, ErrorDomain.network, detail);
}

function parse(xml: string): Element {
  try {
    return parseXml(xml, { length: 4_096 }).root;
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const detail = `network_update_xml:${error.line}: ${error.message}\n${error.excerpt}`;
    throw VirError.of(ErrorCode.xmlDetail, ErrorDomain.network, detail, error);
  }
}

function invalid(detail: string): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.network, detail);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.operationUnsupported, ErrorDomain.network, detail);
}
