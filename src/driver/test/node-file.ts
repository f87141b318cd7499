import { constants, open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { DomainStatus } from "../../model/index.ts";
import { DomainReason, DomainState, ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { Element, parseXml, writeXml, XmlError } from "../../xml/index.ts";
import { parseDefinition } from "./canonical.ts";
import { internal } from "./failure.ts";
import { Guest } from "./guest.ts";
import type { HostObjectTexts } from "./host-objects.ts";
import { defaultNode, type NodeInfo } from "./node-info.ts";
import { parseSnapshot } from "./snapshot-definition.ts";

/** Of a machine, in bytes. */
const longest = 16_777_216;
const testNamespace = "http://libvirt.org/schemas/domain/test/1.0";

export interface NodeFile {
  readonly node: NodeInfo;
  readonly guests: readonly NewGuest[];
  readonly objects: HostObjectTexts;
}

/** A domain that is not running yet, and what it is to be. */
export interface NewGuest {
  readonly guest: Guest;
  readonly status: DomainStatus;
}

/**
 * Reads what `test:///PATH` names: a machine (`<node>`) with its domains, in the file itself or in files beside it, in
 * libvirt's form. Rejects with VirError.
 */
export async function readNodeFile(path: string): Promise<NodeFile> {
  const root = await readRoot(path);
  if (root.name !== "node") {
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.test, "Root element is not 'node'");
  }
  const guests: NewGuest[] = [];
  for (const each of root.all("domain")) guests.push(readDomain(await follow(each, path), path));
  const texts = async (name: string): Promise<string[]> => {
    const found: string[] = [];
    for (const each of root.all(name)) found.push(writeXml(await follow(each, path)));
    return found;
  };
  const objects = {
    networks: await texts("network"),
    pools: await texts("pool"),
    interfaces: await texts("interface"),
    devices: await texts("device"),
  };
  return { node: readNode(root), guests, objects };
}

function readDomain(element: Element, path: string): NewGuest {
  const own = (name: string): Element[] =>
    element.elements().filter(({ uri, name: full }) => uri === testNamespace && full.replace(/^.*:/, "") === name);
  const definition = parseDefinition(writeXml(element));
  const guest = new Guest(definition);
  guest.persistent = own("transient").length === 0;
  guest.hasManagedSave = own("hasmanagedsave").length > 0;
  const state = Number(own("runstate")[0]?.text ?? DomainState.running);
  if (!Number.isInteger(state) || state < 0 || state > DomainState.pmsuspended) {
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.test, `runstate '${own("runstate")[0]?.text}' out of range'`);
  }
  if (!guest.persistent && state === DomainState.shutoff) {
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.test, "transient domain cannot have runstate 'shutoff'");
  }
  if (guest.hasManagedSave && state !== DomainState.shutoff) {
    throw VirError.of(
      ErrorCode.xmlError,
      ErrorDomain.test,
      "domain with managedsave data can only have runstate 'shutoff'",
    );
  }
  for (const each of own("domainsnapshot")) addSnapshot(guest, each, path);
  return { guest, status: { state, reason: state === DomainState.running ? DomainReason.running.booted : 0 } };
}

function addSnapshot(guest: Guest, element: Element, path: string): void {
  if (element.attribute("file") !== undefined) {
    throw internal(`${path}: a snapshot in a file of its own is not supported: put it into the domain`);
  }
  const text = writeXml(new Element("domainsnapshot", {}, element.children));
  const snapshot = parseSnapshot(() => parseXml(text));
  guest.snapshots.set(snapshot);
  guest.snapshots.current = snapshot.name;
}

function readNode(root: Element): NodeInfo {
  const cpu = root.first("cpu");
  const number = (name: string, fallback: number): number => {
    const text = cpu?.first(name)?.text;
    if (text === undefined) return fallback;
    const value = Number(text);
    if (Number.isInteger(value) && value >= 0 && value < 2 ** 31) return value;
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.test, `node cpu ${name} value '${text}' is no number`);
  };
  const memory = root.first("memory")?.text;
  return {
    model: cpu?.first("model")?.text ?? defaultNode.model,
    memory: memory === undefined ? defaultNode.memory : readMemory(memory),
    cpus: number("active", defaultNode.cpus),
    mhz: number("mhz", defaultNode.mhz),
    nodes: number("nodes", defaultNode.nodes),
    sockets: number("sockets", defaultNode.sockets),
    cores: number("cores", defaultNode.cores),
    threads: number("threads", defaultNode.threads),
  };
}

/** In KiB. */
function readMemory(text: string): bigint {
  const digits = text.trim();
  const value = /^\d{1,20}$/.test(digits) ? BigInt(digits) : undefined;
  if (value !== undefined && value < 2n ** 64n) return value;
  throw VirError.of(ErrorCode.xmlError, ErrorDomain.test, `node memory value '${text}' is no number`);
}

/** An element that names a file stands for that file's root. */
async function follow(element: Element, path: string): Promise<Element> {
  const file = element.attribute("file");
  return file === undefined ? element : readRoot(resolve(dirname(path), file));
}

async function readRoot(path: string): Promise<Element> {
  try {
    return parseXml(await readRegularFile(path)).root;
  } catch (error) {
    if (error instanceof XmlError) {
      throw VirError.of(ErrorCode.xmlDetail, ErrorDomain.test, `${path}:${error.line}: ${error.message}`, error);
    }
    const { errno = -5, message } = error as NodeJS.ErrnoException;
    throw VirError.system(ErrorDomain.test, -errno, `cannot read '${path}': ${message}`, error);
  }
}

/** A device or a pipe might never end, or keep a thread of the pool for ever. */
async function readRegularFile(path: string): Promise<string> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const { size } = await file.stat().then((stats) => {
    if (stats.isFile() || stats.isDirectory()) return stats;
    throw new Error("it is no regular file");
  });
  if (size > longest) throw new Error(`it is longer than ${longest} bytes`);
  return await file.readFile("utf8");
}

export function enterState({ guest, status }: NewGuest, id: number): void {
  if (status.state === DomainState.shutoff) return;
  guest.start(id, status.reason);
  guest.status = status;
}
