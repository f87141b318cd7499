import { Element, element } from "../../xml/index.ts";
import { consoleElements, diskElement, graphicsElement, interfaceElement } from "./device-elements.ts";
import { DomainDefinition, parseElement, put, putCpu, putSize, putVcpus } from "./domain-definition.ts";
import type { DomainSpec } from "./domain-spec.ts";

/**
 * The definition of a domain, in a few words.
 *
 *     domain({ name: "web", memory: "2GiB", vcpus: 2, disks: ["/var/lib/images/web.qcow2"], interfaces: [{ network: "default" }] })
 *
 * Throws VirError (invalidArg) for a size that is none.
 */
export function domain(spec: DomainSpec): DomainDefinition {
  const { osType = spec.type === "lxc" ? "exe" : "hvm" } = spec;
  const root = element("domain", { type: spec.type ?? "kvm" });
  for (const key of ["name", "uuid", "title", "description"] as const)
    if (spec[key] !== undefined) put(root, key, spec[key]);
  putSize(root, "memory", spec.memory);
  if (spec.currentMemory !== undefined) putSize(root, "currentMemory", spec.currentMemory);
  putVcpus(root, spec.vcpus ?? 1);
  root.children.push(osElement(spec, osType));
  const features = spec.features ?? (osType === "hvm" ? ["acpi", "apic"] : []);
  if (features.length > 0)
    root.children.push(
      element(
        "features",
        {},
        features.map((name) => element(name)),
      ),
    );
  if (spec.cpu !== undefined) putCpu(root, spec.cpu);
  root.children.push(element("devices", {}, devicesOf(spec)));
  return new DomainDefinition({ before: [], root, after: [] });
}

function osElement({ arch, machine, firmware, boot = [], kernel }: DomainSpec, osType: string): Element {
  return element("os", { firmware: firmware === "efi" ? "efi" : undefined }, [
    Element.leaf("type", osType, { ...(arch !== undefined && { arch }), ...(machine !== undefined && { machine }) }),
    ...(kernel === undefined
      ? []
      : [
          Element.leaf("kernel", kernel.path),
          kernel.initrd === undefined ? undefined : Element.leaf("initrd", kernel.initrd),
          kernel.commandLine === undefined ? undefined : Element.leaf("cmdline", kernel.commandLine),
        ]),
    ...boot.map((dev) => element("boot", { dev })),
  ]);
}

function devicesOf(spec: DomainSpec): Element[] {
  const taken = new Set<string>();
  const disks: Element[] = [];
  // Names that were chosen are not given to others, whatever the order.
  for (const disk of spec.disks ?? [])
    if (typeof disk === "object" && disk.target !== undefined) taken.add(disk.target);
  for (const disk of spec.disks ?? []) {
    const made = diskElement(disk, taken);
    taken.add(made.first("target")?.attribute("dev") ?? "");
    disks.push(made);
  }
  return [
    ...disks,
    ...(spec.interfaces ?? []).map(interfaceElement),
    ...(spec.console === undefined ? [] : consoleElements(spec.console)),
    ...(spec.agent === true ? [agentChannel()] : []),
    ...(spec.graphics === undefined ? [] : [graphicsElement(spec.graphics)]),
    ...(spec.devices ?? []).map(parseElement),
  ];
}

function agentChannel(): Element {
  return element("channel", { type: "unix" }, [element("target", { type: "virtio", name: "org.qemu.guest_agent.0" })]);
}
