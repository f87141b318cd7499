import type { Element } from "../../../xml/index.ts";
import { addressOf } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { device, type Part } from "./part.ts";
import { failure, number, unsupported } from "./reading.ts";

/** `<hostdev>`: a USB device of the host's. The others would need what most machines cannot give, and are refused. */
export function hostDevice(element: Element, context: GuestContext): Part[] {
  const mode = element.attribute("mode") ?? "subsystem";
  const type = element.attribute("type") ?? "";
  if (mode !== "subsystem") throw unsupported(`hostdev mode '${mode}' is not supported`);
  if (type === "pci" || type === "mdev")
    throw unsupported(`hostdev of type '${type}' needs an IOMMU and VFIO: not supported`);
  if (type !== "usb") throw unsupported(`hostdev of type '${type}' is not supported`);
  const id = context.idOf(element, "hostdev");
  return [
    device("usb-host", {
      id,
      ...which(element),
      bootindex: context.bootIndex(element),
      ...addressOf(element, context),
    }),
  ];
}

function which(element: Element): { readonly [name: string]: number | undefined } {
  const source = element.first("source");
  const address = source?.first("address");
  if (address !== undefined) return { hostbus: number(address, "bus"), hostaddr: number(address, "device") };
  const [vendorid, productid] = [number(source?.first("vendor"), "id"), number(source?.first("product"), "id")];
  if (vendorid === undefined || productid === undefined)
    throw failure("usb hostdev needs an address, or vendor and product");
  return { vendorid, productid };
}
