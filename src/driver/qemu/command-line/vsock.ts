import type { Element } from "../../../xml/index.ts";
import { addressOf, virtioDriver, virtioOptions } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { Descriptor, device, type Part } from "./part.ts";
import { failure, number } from "./reading.ts";

/** `<vsock>`. Its number must be known by now, also one that was found by itself. */
export function vsock(element: Element, context: GuestContext): Part[] {
  const id = context.idOf(element, "vsock");
  const cid = number(element.first("cid"), "address");
  if (cid === undefined || cid < 3) throw failure("guest CIDs must be >= 3");
  const vhostfd = new Descriptor([{ name: `${id}-vhost`, opening: { kind: "vhost-vsock", cid } }]);
  const properties = { ...virtioOptions(element), id, "guest-cid": cid, vhostfd, ...addressOf(element, context) };
  return [device(virtioDriver("vhost-vsock", element), properties)];
}
