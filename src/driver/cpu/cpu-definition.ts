import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { type Document, type Element, XmlError } from "../../xml/index.ts";
import { isArchitecture } from "./architecture.ts";

/** A CPU of a host. */
export interface CpuDefinition {
  readonly architecture: string;
  readonly model: string;
  readonly vendor: string | undefined;
  /** Beside those of the model. */
  readonly features: readonly string[];
}

/** `read` gives the document. Throws VirError. */
export function parseCpu(read: () => Document): CpuDefinition {
  const root = parseCpuRoot(read);
  if (root.attribute("mode") !== undefined) throw unsupported("Attribute mode is only allowed for guest CPU");
  const architecture = root.first("arch")?.text;
  if (architecture === undefined) throw failedCpu("Missing CPU architecture");
  if (!isArchitecture(architecture)) throw unsupported(`Unknown architecture ${architecture}`);
  const model = root.first("model")?.text ?? "";
  if (model === "") throw failedCpu("Missing CPU model name");
  return { architecture, model, vendor: root.first("vendor")?.text, features: readFeatures(root) };
}

function readFeatures(root: Element): string[] {
  const features = new Set<string>();
  for (const each of root.all("feature")) {
    const name = each.attribute("name") ?? "";
    if (name === "") throw failedCpu("Invalid CPU feature name");
    if (features.has(name)) throw failedCpu(`CPU feature '${name}' specified more than once`);
    features.add(name);
  }
  return [...features];
}

/** `<cpu>`. Throws VirError when the document is another one, or none. */
export function parseCpuRoot(read: () => Document): Element {
  const root = parseRoot(read);
  if (root.name !== "cpu") throw failedCpu("XML does not contain expected 'cpu' element");
  return root;
}

export function readVendor(root: Element): string | undefined {
  return root.first("vendor")?.text.trim() || undefined;
}

function parseRoot(read: () => Document): Element {
  try {
    return read().root;
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const detail = `(CPU_definition):${error.line}: ${error.message}\n${error.excerpt}`;
    throw VirError.of(ErrorCode.xmlDetail, ErrorDomain.cpu, detail, error);
  }
}

/** The XML is not what it should be. */
export function failedCpu(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.cpu, detail);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.cpu, detail);
}

/** For a model or a feature that nobody knows. */
export function internalCpu(detail: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.cpu, detail);
}
