import { Element, writeXml } from "../../../xml/index.ts";
import { x86Models } from "../../cpu/x86-models.ts";
import type { BinaryFacts, MachineFacts } from "./binary-facts.ts";
import { deviceCapabilities } from "./device-capabilities.ts";
import { type FirmwareFile, fits } from "./firmware-files.ts";
import { guestModel } from "./guest-model.ts";

/** What is asked about. */
export interface DomainCapabilitiesQuestion {
  readonly path: string;
  /** libvirt's name of the architecture. */
  readonly arch: string;
  readonly machine: MachineFacts;
  /** "qemu" or "kvm". */
  readonly type: string;
}

/** `<domainCapabilities>`: what a guest of one kind can have, of what this driver can give it. */
export function domainCapabilitiesXml(
  { path, arch, machine, type }: DomainCapabilitiesQuestion,
  facts: BinaryFacts,
  firmware: readonly FirmwareFile[],
): string {
  const fitting = firmware.filter((file) => fits(file, arch, machine.name));
  const root = new Element("domainCapabilities", {}, [
    Element.leaf("path", path),
    Element.leaf("domain", type),
    Element.leaf("machine", machine.name),
    Element.leaf("arch", arch),
    new Element("vcpu", { max: String(machine.maxCpus) }),
    new Element("iothreads", { supported: "yes" }),
    operatingSystem(fitting),
    processors(facts, type),
    new Element("memoryBacking", { supported: "yes" }, [choice("sourceType", ["file", "anonymous", "memfd"])]),
    deviceCapabilities(facts, machine.name),
    features(facts),
  ]);
  return `${writeXml(root)}\n`;
}

/** The values that something can have. */
export function choice(name: string, values: readonly string[]): Element {
  return new Element(
    "enum",
    { name },
    values.map((value) => Element.leaf("value", value)),
  );
}

function operatingSystem(firmware: readonly FirmwareFile[]): Element {
  const isSecure = firmware.some(({ features }) => features.includes("requires-smm"));
  const kinds = new Set(
    firmware.flatMap(({ interfaces }) => interfaces).map((kind) => (kind === "uefi" ? "efi" : kind)),
  );
  return new Element("os", { supported: "yes" }, [
    choice("firmware", [...kinds].sort().reverse()),
    new Element("loader", { supported: "yes" }, [
      ...firmware.map(({ code }) => code).map((code) => Element.leaf("value", code)),
      choice("type", ["rom", "pflash"]),
      choice("readonly", ["yes", "no"]),
      choice("secure", isSecure ? ["yes", "no"] : ["no"]),
    ]),
  ]);
}

function processors(facts: BinaryFacts, type: string): Element {
  const migratable = [choice("maximumMigratable", ["on", "off"])];
  const host = type === "kvm" ? [choice("hostPassthroughMigratable", ["on", "off"])] : [];
  const model = guestModel(facts);
  return new Element("cpu", {}, [
    new Element("mode", { name: "host-passthrough", supported: type === "kvm" ? "yes" : "no" }, host),
    new Element("mode", { name: "maximum", supported: "yes" }, migratable),
    new Element("mode", { name: "host-model", supported: model === undefined ? "no" : "yes" }, model),
    new Element("mode", { name: "custom", supported: "yes" }, facts.models.flatMap(customModel)),
  ]);
}

/** Those that libvirt's clients know by name. */
function customModel({ name, unavailable }: BinaryFacts["models"][number]): Element[] {
  const model = x86Models.get(name);
  if (model === undefined || name === "none") return [];
  const usable = unavailable.length === 0 ? "yes" : "no";
  return [Element.leaf("model", name, { usable, vendor: model.vendor ?? "unknown" })];
}

function features({ devices }: BinaryFacts): Element {
  const flag = (name: string, supported: boolean): Element =>
    new Element(name, { supported: supported ? "yes" : "no" });
  return new Element("features", {}, [
    flag("gic", false),
    flag("vmcoreinfo", devices.includes("vmcoreinfo")),
    flag("genid", devices.includes("vmgenid")),
    flag("backingStoreInput", true),
    flag("backup", false),
    flag("sev", false),
    flag("sgx", false),
    new Element("hyperv", { supported: "yes" }, [choice("features", ["spinlocks", "vendor_id"])]),
  ]);
}
