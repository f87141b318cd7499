import { ErrorCode, ErrorDomain, VirError } from "../../../../protocol/index.ts";
import type { Element } from "../../../../xml/index.ts";
import { ensure, readNumber, setDefault } from "../../../objects/element-edit.ts";
import { pciAddressOf } from "./pci-address.ts";

/** What QEMU calls the device that a controller of PCI is. */
const deviceNames: Readonly<Record<string, string>> = {
  "pci-bridge": "pci-bridge",
  "dmi-to-pci-bridge": "i82801b11-bridge",
  "pcie-to-pci-bridge": "pcie-pci-bridge",
  "pcie-root-port": "pcie-root-port",
  "pcie-switch-upstream-port": "x3130-upstream",
  "pcie-switch-downstream-port": "xio3130-downstream",
  "pci-expander-bus": "pxb",
  "pcie-expander-bus": "pxb-pcie",
};

/** Fills in what controllers of PCI are called and numbered by, once they have their places. Throws VirError. */
export function completePciControllers(controllers: readonly Element[]): void {
  for (const controller of controllers) {
    const name = deviceNames[controller.attribute("model") ?? ""];
    if (name !== undefined) setDefault(ensure(controller, "model"), "name", name);
    number(controller, controllers);
  }
}

function number(controller: Element, all: readonly Element[]): void {
  const index = readNumber(controller.attribute("index")) ?? 0;
  const { bus = 0, slot = 0, function: func = 0 } = pciAddressOf(controller) ?? {};
  switch (controller.attribute("model") ?? "") {
    case "pci-bridge":
      setDefault(ensure(controller, "target"), "chassisNr", String(index));
      if (index <= bus) throw wrongOrder(index, bus);
      break;
    case "pcie-root-port":
      numberPort(controller, index, slot * 8 + func);
      break;
    case "pcie-switch-downstream-port":
      numberPort(controller, index, slot);
      break;
    case "pci-expander-bus":
    case "pcie-expander-bus":
      setDefault(ensure(controller, "target"), "busNr", String(freeBusNumber(all)));
  }
}

function numberPort(controller: Element, chassis: number, port: number): void {
  const target = ensure(controller, "target");
  setDefault(target, "chassis", String(chassis));
  const known = readNumber(target.attribute("port"));
  target.setAttribute("port", `0x${(known ?? port).toString(16)}`);
}

/** Two below the lowest: the expander has a bridge in it. */
function freeBusNumber(all: readonly Element[]): number {
  const taken = all.flatMap((each) => readNumber(each.first("target")?.attribute("busNr")) ?? []);
  return Math.min(256, ...taken) - 2;
}

function wrongOrder(index: number, bus: number): VirError {
  const hex = (value: number): string => `0x${value.toString(16).padStart(2, "0")}`;
  const detail = `PCI controller at index ${index} (${hex(index)}) has bus='${hex(bus)}', but index must be larger than bus`;
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}
