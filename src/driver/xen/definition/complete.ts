import type { Completion, Definition } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { arrangeDomain } from "../../domain-places.ts";
import { ensure, ensureLeaf, remove, setDefault } from "../../objects/element-edit.ts";
import { checkLimits } from "../../qemu/definition/limits.ts";
import { completeDevices } from "./devices.ts";

/** How Xen runs a guest: "pv" knows that it is one, "pvh" too but with the processor's help, "hvm" need not know. */
export type GuestKind = "pv" | "pvh" | "hvm";

export function guestKind(root: Element): GuestKind {
  const type = root.find("os", "type")?.text.trim();
  if (type === "hvm") return "hvm";
  return type === "xenpvh" ? "pvh" : "pv";
}

/**
 * Fills in what libvirt's Xen driver fills in when a domain is defined, and brings all into its order; what libvirt does
 * not know stays. What is complete already stays as it is. It throws VirError for what cannot be.
 */
export const completeDefinition: Completion = (root, definition) => {
  checkLimits(root);
  completeType(root, definition);
  const kind = guestKind(root);
  const devices = ensure(root, "devices");
  completeBoot(root, devices, kind);
  completeFeatures(root, kind);
  completeClock(root);
  completeActions(root);
  completeDevices(devices, kind);
  arrangeDomain(root);
};

function completeType(root: Element, definition: Definition): void {
  const type = root.find("os", "type");
  const arch = type?.attribute("arch") ?? "x86_64";
  const os = definition.osType === "xen" ? "linux" : definition.osType;
  if (definition.type !== "xen") throw noCapabilities(`ostype=${os} arch=${arch} domaintype=${definition.type}`);
  if (arch !== "x86_64" && arch !== "i686") throw noCapabilities(`arch=${arch} domaintype=xen`);
  if (!["linux", "xenpvh", "hvm"].includes(os)) throw noCapabilities(`ostype=${os} arch=${arch} domaintype=xen`);
  type?.setAttribute("arch", arch);
  type?.setText(os);
}

function noCapabilities(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.capabilities, `could not find capabilities for ${detail} `);
}

function completeBoot(root: Element, devices: Element, kind: GuestKind): void {
  const os = ensure(root, "os");
  const loader = os.first("loader");
  if (loader !== undefined) setDefault(loader, "type", "rom");
  if (kind !== "hvm") return;
  const isOrdered = devices.elements().some((each) => each.first("boot") !== undefined);
  if (os.first("boot") === undefined && !isOrdered) os.children.push(new Element("boot", { dev: "hd" }));
}

function completeFeatures(root: Element, kind: GuestKind): void {
  const features = root.first("features");
  const hasCells = root.find("cpu", "numa", "cell") !== undefined;
  if (kind === "hvm") {
    const all = ensure(root, "features");
    ensure(all, "pae");
    // Xen tells a guest of its nodes by ACPI.
    if (hasCells) ensure(all, "acpi");
  } else if (features?.elements().length === 0) {
    remove(root, features);
  }
  const hap = root.find("features", "hap");
  if (hap !== undefined) setDefault(hap, "state", "on");
}

function completeClock(root: Element): void {
  const clock = ensure(root, "clock");
  setDefault(clock, "offset", "utc");
  if (clock.attribute("offset") !== "variable") return;
  setDefault(clock, "adjustment", "0");
  setDefault(clock, "basis", "utc");
}

const actions = {
  on_poweroff: "destroy restart rename-restart preserve",
  on_reboot: "destroy restart rename-restart preserve",
  on_crash: "destroy restart rename-restart preserve coredump-destroy coredump-restart",
};
const usual = { on_poweroff: "destroy", on_reboot: "restart", on_crash: "destroy" };

function completeActions(root: Element): void {
  for (const name of ["on_poweroff", "on_reboot", "on_crash"] as const) {
    ensureLeaf(root, name, usual[name]);
    const action = root.first(name)?.text.trim() ?? "";
    if (actions[name].split(" ").includes(action)) continue;
    throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, `unknown ${name} action: ${action}`);
  }
}
