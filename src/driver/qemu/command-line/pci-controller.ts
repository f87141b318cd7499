import type { Element } from "../../../xml/index.ts";
import { addressOf } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { argument, device, type Part, type Properties } from "./part.ts";
import { bytes, flag, number, unsupported } from "./reading.ts";

/** `<controller type='pci'>`. */
export function pciController(element: Element, context: GuestContext): Part[] {
  const model = element.attribute("model") ?? "pci-root";
  if (model === "pci-root" || model === "pcie-root") return rootHole(element, context);
  const build = models[model];
  if (build === undefined) throw unsupported(`PCI controller of model '${model}' is not supported`);
  const index = number(element, "index") ?? 0;
  const { driver, ...properties } = build(element, index);
  const id = context.controllerId("pci", index);
  return [device(driver, { ...properties, id, ...addressOf(element, context) })];
}

type Build = (element: Element, index: number) => Properties & { readonly driver: string };

const models: Readonly<Record<string, Build>> = {
  "pci-bridge": (element, index) => ({
    driver: "pci-bridge",
    chassis_nr: number(element.first("target"), "chassisNr") ?? index,
    shpc: flag(element.first("target"), "hotplug"),
  }),
  "pcie-to-pci-bridge": () => ({ driver: "pcie-pci-bridge" }),
  "dmi-to-pci-bridge": () => ({ driver: "i82801b11-bridge" }),
  "pcie-root-port": port((element) => (modelName(element) === "ioh3420" ? "ioh3420" : "pcie-root-port")),
  "pcie-switch-upstream-port": () => ({ driver: "x3130-upstream" }),
  "pcie-switch-downstream-port": port(() => "xio3130-downstream"),
  "pci-expander-bus": expander("pxb"),
  "pcie-expander-bus": expander("pxb-pcie"),
};

function port(driverOf: (element: Element) => string): Build {
  return (element, index) => {
    const target = element.first("target");
    return {
      driver: driverOf(element),
      port: number(target, "port"),
      chassis: number(target, "chassis") ?? index,
      hotplug: flag(target, "hotplug"),
    };
  };
}

function expander(driver: string): Build {
  return (element) => {
    const target = element.first("target");
    const node = target?.first("node")?.text.trim();
    return { driver, bus_nr: number(target, "busNr"), numa_node: node === undefined ? undefined : Number(node) };
  };
}

function modelName(element: Element): string | undefined {
  return element.first("model")?.attribute("name");
}

/** How much of the address space above 4 GiB is for devices. */
function rootHole(element: Element, context: GuestContext): Part[] {
  const hole = element.first("pcihole64");
  if (hole === undefined) return [];
  const host = context.isQ35 ? "q35-pcihost" : "i440FX-pcihost";
  return [argument("-global", `${host}.pci-hole64-size=${bytes(hole) / 1024}K`)];
}
