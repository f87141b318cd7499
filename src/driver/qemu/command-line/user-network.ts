import type { Element } from "../../../xml/index.ts";
import type { Properties } from "./part.ts";
import { failure, number, oneOf, unsupported } from "./reading.ts";

/** `<interface type='user'>`: QEMU's own NAT, with ports of the host's led into the guest by `<portForward>`. */
export function userNetwork(element: Element): Properties & { readonly type: string } {
  const backend = element.first("backend")?.attribute("type");
  if (backend !== undefined && backend !== "default")
    throw unsupported(`interface backend '${backend}' is not supported`);
  const forwards = element.all("portForward").flatMap(portForward);
  return {
    type: "user",
    ...addresses(element),
    hostfwd: forwards.length === 0 ? undefined : forwards.map((str) => ({ str })),
  };
}

function addresses(element: Element): Properties {
  const found: Record<string, string | number | undefined> = {};
  for (const ip of element.all("ip")) {
    const address = plainAddress(ip.attribute("address") ?? "");
    const prefix = number(ip, "prefix");
    if (ip.attribute("family") === "ipv6") {
      found["ipv6-prefix"] = address;
      found["ipv6-prefixlen"] = prefix;
    } else {
      found["net"] = prefix === undefined ? address : `${address}/${prefix}`;
    }
  }
  return found;
}

/** What `<portForward proto='tcp' address='...'><range start='2222' end='...' to='22'/></portForward>` means, port by port. */
function portForward(element: Element): string[] {
  const proto = oneOf(element.attribute("proto") ?? "tcp", ["tcp", "udp"], "portForward protocol");
  if (element.attribute("dev") !== undefined) throw unsupported("<portForward dev='...'> is not supported");
  const address = element.attribute("address") ?? "";
  // QEMU's own NAT listens on IPv4 alone.
  if (!/^(\d{1,3}(\.\d{1,3}){3})?$/.test(address))
    throw unsupported(`<portForward address='${address}'> is not supported`);
  const ranges = element.all("range");
  if (ranges.length === 0) throw unsupported("<portForward> without a <range> is not supported");
  return ranges.flatMap((range) => ports(range).map(([host, guest]) => `${proto}:${address}:${host}-:${guest}`));
}

function ports(range: Element): [host: number, guest: number][] {
  if (range.attribute("exclude") === "yes") throw unsupported("<range exclude='yes'> is not supported");
  const start = number(range, "start") ?? 0;
  const end = number(range, "end") ?? start;
  const to = number(range, "to") ?? start;
  if (start < 1 || end < start || Math.max(end, to + end - start) > 65_535 || end - start >= 1000) {
    throw failure(`<range> of ports from ${start} to ${end} is none`);
  }
  return Array.from({ length: end - start + 1 }, (_, place) => [start + place, to + place]);
}

function plainAddress(text: string): string {
  if (!/^[\da-f.:]+$/i.test(text)) throw failure(`'${text}' is no IP address`);
  return text;
}
