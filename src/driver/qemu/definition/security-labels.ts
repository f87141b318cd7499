import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { remove, setDefault } from "../../objects/element-edit.ts";
import { isDac, type SecurityPolicy } from "../security/guest-user.ts";

const types = ["none", "static", "dynamic"];
/** Those that there are, in libvirt's order. */
const models = ["none", "dac"];

/** Fills in `<seclabel>` and takes out what belongs to one run alone. Throws VirError. */
export function completeSecurityLabels(root: Element): void {
  const labels = root.all("seclabel");
  for (const label of labels) completeLabel(root, label, labels.length > 1);
  checkOnce(root.all("seclabel"));
}

function completeLabel(root: Element, label: Element, isOneOfMany: boolean): void {
  const type = label.attribute("type");
  const relabel = label.attribute("relabel");
  if (type !== undefined && !types.includes(type)) throw wrongValue("type", type);
  if (relabel !== undefined && relabel !== "yes" && relabel !== "no") throw wrongValue("relabel", relabel);
  checkRelabeling(type, relabel);
  if (type === "static" && (label.first("label")?.text.trim() ?? "") === "")
    throw xmlError("security label is missing");
  if (label.attribute("model") === undefined) return completeModel(label, isOneOfMany);
  if (type === "static") setDefault(label, "relabel", "no");
  for (const name of type === "static" ? ["imagelabel"] : ["label", "imagelabel"]) remove(label, label.first(name));
  if (type !== "dynamic") return;
  setDefault(label, "relabel", "yes");
  // So it is anyway.
  if (label.elements().length === 0) remove(root, label);
}

function checkRelabeling(type: string | undefined, relabel: string | undefined): void {
  if (type === "dynamic" && relabel === "no") throw unsupported("dynamic label type must use resource relabeling");
  if (type === "none" && relabel === "yes")
    throw unsupported("resource relabeling is not compatible with 'none' label type");
}

/** Once there was one model, which nobody had to name. */
function completeModel(label: Element, isOneOfMany: boolean): void {
  if (isOneOfMany) throw xmlError("missing security model when using multiple labels");
  const type = label.attribute("type");
  if (type !== "none" && (type !== "dynamic" || label.first("baselabel") !== undefined))
    throw xmlError("missing security model in domain seclabel");
  label.setAttribute("type", "none");
  label.setAttribute("model", "none");
  label.removeAttribute("relabel");
}

function checkOnce(labels: readonly Element[]): void {
  const names = labels.map((label) => label.attribute("model"));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return;
  const detail = `seclabel for model ${twice} is already provided`;
  throw VirError.of(ErrorCode.xmlDetail, ErrorDomain.domain, detail);
}

/** Shows as whom a guest runs that is about to. Throws VirError when it asks for a model that is not there. */
export function showSecurityLabels(root: Element, { user, isPrivileged }: SecurityPolicy): void {
  for (const label of root.all("seclabel")) {
    const model = label.attribute("model") ?? "";
    if (!(isPrivileged ? models : models.slice(0, 1)).includes(model)) throw notAvailable(model);
  }
  const label = root.all("seclabel").find(isDac);
  if (!isPrivileged || label?.attribute("type") === "none") return;
  if (label?.attribute("type") === "static") return showImageLabel(label, label.first("label")?.text ?? "");
  const shown = `+${user.uid}:+${user.gid}`;
  const relabel = label?.attribute("relabel") ?? "yes";
  const own = new Element("seclabel", { type: "dynamic", model: "dac", relabel }, [Element.leaf("label", shown)]);
  showImageLabel(own, shown);
  const base = label?.first("baselabel");
  if (base !== undefined) own.children.push(base.clone());
  if (label !== undefined) remove(root, label);
  root.children.push(own);
}

function showImageLabel(label: Element, text: string): void {
  remove(label, label.first("imagelabel"));
  if (label.attribute("relabel") === "yes") label.children.push(Element.leaf("imagelabel", text));
}

/** Whether something of a run is in there. */
export function holdsRunLabels(root: Element): boolean {
  return root.all("seclabel").some((label) => {
    const isDynamic = label.attribute("type") === "dynamic";
    return label.first("imagelabel") !== undefined || (isDynamic && label.first("label") !== undefined);
  });
}

/** Without what belongs to one run. */
export function hideSecurityLabels(root: Element): void {
  for (const label of root.all("seclabel")) {
    remove(label, label.first("imagelabel"));
    if (label.attribute("type") !== "dynamic") continue;
    remove(label, label.first("label"));
    if (label.attribute("relabel") === "no") label.removeAttribute("type");
    else if (label.elements().length === 0) remove(root, label);
  }
}

function notAvailable(model: string): VirError {
  const detail = `Security driver model '${model}' is not available`;
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.security, detail);
}

function wrongValue(name: string, value: string): VirError {
  const detail = `Invalid value for attribute '${name}' in element 'seclabel': '${value}'.`;
  return VirError.of(ErrorCode.xmlError, ErrorDomain.xml, detail);
}

function xmlError(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.domain, detail);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, detail);
}
