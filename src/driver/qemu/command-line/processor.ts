import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { GuestContext } from "./guest-context.ts";
import { hypervFeatures } from "./hyperv.ts";
import { argument, type Part } from "./part.ts";
import { failure, flag, number, oneOf, unsupported } from "./reading.ts";

/** `-cpu`; none where the machine's own is wanted as it is. */
export function processor(context: GuestContext): Part[] {
  const model = modelOf(context);
  const features = [...cpuFeatures(context), ...guestFeatures(context), ...timers(context), ...hypervFeatures(context)];
  if (model === undefined && features.length === 0) return [];
  const base = model ?? (context.arch === "i686" ? "qemu32" : "qemu64");
  return [argument("-cpu", [base, ...features].join(","))];
}

/** The model by QEMU's name; undefined where the definition names none. */
export function modelOf({ root, definition, arch }: GuestContext): string | undefined {
  const cpu = root.first("cpu");
  const mode = cpu?.attribute("mode") ?? "custom";
  const isKvm = definition.type === "kvm";
  if (mode === "host-passthrough") return isKvm ? "host" : noPassthrough(arch);
  if (mode === "maximum") return "max";
  // Who starts a guest puts the host's model here, where it is known what that is.
  if (mode === "host-model" && cpu?.first("model") === undefined) return isKvm ? "host" : "max";
  if (mode !== "custom" && mode !== "host-model") throw unsupported(`cpu mode '${mode}' is not supported`);
  const model = cpu?.first("model")?.text.trim() || undefined;
  // QEMU takes what follows a comma for a feature, doubled or not.
  if (model !== undefined && !isWord(model)) {
    throw VirError.of(ErrorCode.internalError, ErrorDomain.qemu, `Unknown CPU model ${model}`);
  }
  return model;
}

/** There is no host's processor without KVM. */
function noPassthrough(arch: string): never {
  throw unsupported(
    `CPU mode 'host-passthrough' for ${arch} qemu domain on ${arch} host is not supported by hypervisor`,
  );
}

/** Models and features are words, and nothing else can pass. */
function isWord(text: string): boolean {
  return /^\w[\w.+-]*$/.test(text);
}

/** libvirt's names that are not QEMU's. */
const featureNames: Readonly<Record<string, string>> = { pclmuldq: "pclmulqdq", xsaveerptr: "xsaveerptr" };
/** What QEMU does by itself, and cannot be told. */
const impliedFeatures = ["osxsave", "ospke"];

function cpuFeatures({ root }: GuestContext): string[] {
  const cpu = root.first("cpu");
  if (cpu === undefined) return [];
  const vendor = cpu.first("model")?.attribute("vendor_id");
  if (vendor !== undefined && !/^[^,]{12}$/.test(vendor)) throw failure("vendor_id must be exactly 12 characters long");
  return [
    ...(vendor === undefined ? [] : [`vendor=${vendor}`]),
    ...cpu.all("feature").flatMap(feature),
    ...addressBits(cpu.first("maxphysaddr")),
    ...cache(cpu.first("cache")),
  ];
}

function feature(element: Element): string[] {
  const name = element.attribute("name") ?? "";
  const policies = ["force", "require", "optional", "disable", "forbid"] as const;
  const policy = oneOf(element.attribute("policy") ?? "require", policies, "CPU feature policy");
  if (!isWord(name) || name.includes("+")) {
    throw VirError.of(ErrorCode.internalError, ErrorDomain.qemu, `Unknown CPU feature ${name}`);
  }
  // QEMU takes away what it cannot give; whether that matters was known before the start.
  if (impliedFeatures.includes(name) || policy === "optional") return [];
  const known = featureNames[name] ?? name.replaceAll("_", "-");
  return [`${known}=${policy === "force" || policy === "require" ? "on" : "off"}`];
}

function addressBits(element: Element | undefined): string[] {
  if (element === undefined) return [];
  const mode = oneOf(element.attribute("mode") ?? "", ["emulate", "passthrough"], "maxphysaddr mode");
  const [bits, limit] = [number(element, "bits"), number(element, "limit")];
  if (mode === "emulate") return bits === undefined ? [] : [`phys-bits=${bits}`];
  return ["host-phys-bits=on", ...(limit === undefined ? [] : [`host-phys-bits-limit=${limit}`])];
}

function cache(element: Element | undefined): string[] {
  if (element === undefined) return [];
  const mode = oneOf(element.attribute("mode") ?? "", ["emulate", "passthrough", "disable"], "CPU cache mode");
  if (mode === "passthrough") return ["host-cache-info=on", "l3-cache=off"];
  return mode === "emulate" ? ["l3-cache=on"] : ["host-cache-info=off", "l3-cache=off"];
}

function guestFeatures({ root, isX86 }: GuestContext): string[] {
  const features = root.first("features");
  if (features === undefined || !isX86) return [];
  const of = (name: string, value: boolean | undefined): string[] =>
    value === undefined ? [] : [`${name}=${value ? "on" : "off"}`];
  const kvm = features.first("kvm");
  const isHidden = flag(kvm?.first("hidden"), "state");
  return [
    ...of("kvm-pv-eoi", flag(features.first("apic"), "eoi")),
    ...of("kvm-pv-unhalt", flag(features.first("pvspinlock"), "state")),
    ...of("kvm", isHidden === true ? false : undefined),
    ...of("kvm-hint-dedicated", flag(kvm?.first("hint-dedicated"), "state")),
    ...of("kvm-poll-control", flag(kvm?.first("poll-control"), "state")),
    ...of("kvm-pv-ipi", flag(kvm?.first("pv-ipi"), "state")),
    ...of("pmu", flag(features.first("pmu"), "state")),
  ];
}

/** Clocks that are features of the processor. */
function timers({ root }: GuestContext): string[] {
  return (root.first("clock")?.all("timer") ?? []).flatMap((timer) => {
    const name = timer.attribute("name");
    const isPresent = flag(timer, "present");
    const frequency = number(timer, "frequency");
    if (name === "kvmclock" && isPresent !== undefined) return [`kvmclock=${isPresent ? "on" : "off"}`];
    if (name === "hypervclock" && isPresent === true) return ["hv-time=on"];
    if (name === "tsc" && frequency !== undefined) return [`tsc-frequency=${frequency}`];
    return [];
  });
}
