import type { Element } from "../../../xml/index.ts";
import type { Part, Value } from "./part.ts";
import { failure } from "./reading.ts";

/** The namespace in which a definition may talk to QEMU itself. */
export const qemuNamespace = "http://libvirt.org/schemas/domain/qemu/1.0";

/** `<qemu:arg>`: arguments as the user wrote them. */
export function ownArguments(root: Element): string[] {
  const args = root.first("commandline", qemuNamespace)?.all("arg", qemuNamespace) ?? [];
  return args.map((arg) => {
    const value = arg.attribute("value");
    if (value === undefined) throw failure("No QEMU command-line argument specified");
    return value;
  });
}

/** `<qemu:env>`: what QEMU finds in its environment. */
export function ownEnvironment(root: Element): Record<string, string> {
  const variables = root.first("commandline", qemuNamespace)?.all("env", qemuNamespace) ?? [];
  const entries = variables.map((variable) => {
    const name = variable.attribute("name") ?? "";
    if (!/^[A-Za-z_]\w*$/.test(name)) throw failure(`Invalid environment name '${name}'`);
    return [name, variable.attribute("value") ?? ""];
  });
  return Object.fromEntries(entries);
}

/** `<qemu:override>`: properties of devices, by alias, as the user wants them. */
export function overridden(parts: readonly Part[], root: Element): Part[] {
  const devices = root.first("override", qemuNamespace)?.all("device", qemuNamespace) ?? [];
  const wanted = new Map(devices.map((device) => [device.attribute("alias"), device]));
  if (wanted.size === 0) return [...parts];
  return parts.map((part) => {
    const device = part.kind === "device" ? wanted.get(part.properties.id) : undefined;
    if (part.kind !== "device" || device === undefined) return part;
    const frontend = device.first("frontend", qemuNamespace)?.all("property", qemuNamespace) ?? [];
    const own = Object.fromEntries(frontend.map((property) => [property.attribute("name") ?? "", valueOf(property)]));
    return { ...part, properties: { ...part.properties, ...own, driver: part.properties.driver } };
  });
}

function valueOf(property: Element): Value {
  const [type, value] = [property.attribute("type"), property.attribute("value") ?? ""];
  if (type === "remove") return undefined;
  if (type === "string") return value;
  if (type === "bool") return value === "true" || value === "yes";
  if ((type === "signed" || type === "unsigned") && /^-?\d{1,20}$/.test(value)) return BigInt(value);
  throw failure(`invalid override of a device: '${value}' of type '${type ?? ""}'`);
}
