import type { Element } from "../../../xml/index.ts";
import type { GuestContext } from "./guest-context.ts";
import { Descriptor, type Part, type Properties } from "./part.ts";
import { failure, flag, number, numberIn, unsupported } from "./reading.ts";
import { userNetwork } from "./user-network.ts";

/** What a card is connected to, as a netdev of that id. Throws VirError for a type that this driver does not know. */
export function networkBackend(element: Element, id: string, context: GuestContext): Part {
  const type = element.attribute("type") ?? "user";
  const build = types[type];
  if (build === undefined) throw unsupported(`interface of type '${type}' is not supported`);
  const { type: kind, ...properties } = build(element, context);
  return { kind: "netdev", properties: { type: kind, id, ...properties } };
}

type Build = (element: Element, context: GuestContext) => Properties & { readonly type: string };

const types: Readonly<Record<string, Build>> = {
  user: userNetwork,
  network: tap,
  bridge: tap,
  ethernet: tap,
  server: (element) => ({ type: "socket", listen: endpoint(element) }),
  client: (element) => ({ type: "socket", connect: endpoint(element) }),
  mcast: (element) => ({ type: "socket", mcast: endpoint(element) }),
  udp: (element) => ({
    type: "socket",
    udp: endpoint(element),
    localaddr: endpoint(element.first("source"), "local"),
  }),
  vhostuser: () => {
    throw unsupported("interface of type 'vhostuser' is not supported");
  },
};

/** A tap device's descriptors, one for each queue, come from whoever launches QEMU. */
function tap(element: Element, context: GuestContext): Properties & { readonly type: string } {
  const alias = context.idOf(element, "net");
  const isVirtio = element.first("model")?.attribute("type")?.startsWith("virtio") === true;
  const queues = isVirtio ? (number(element.first("driver"), "queues") ?? 1) : 1;
  if (queues < 1 || queues > 256) throw failure(`interface '${alias}' cannot have ${queues} queues`);
  checkTap(element);
  const opening = {
    kind: "tap" as const,
    of: alias,
    device: element.first("target")?.attribute("dev"),
    bridge: bridgeOf(element),
    hasHeader: isVirtio,
    isMultiQueue: queues > 1,
    isManaged: element.attribute("type") !== "ethernet" || (flag(element.first("target"), "managed") ?? true),
    mac: element.first("mac")?.attribute("address"),
    mtu: number(element.first("mtu"), "size"),
  };
  const requests = Array.from({ length: queues }, (_, queue) => ({ name: `${alias}-${queue}`, opening }));
  const sndbuf = numberIn(element.find("tune", "sndbuf"));
  return { type: "tap", [queues === 1 ? "fd" : "fds"]: new Descriptor(requests), sndbuf };
}

/** What a guest is promised by its definition, filters above all, it would do without. */
function checkTap(element: Element): void {
  for (const name of ["virtualport", "filterref", "vlan", "bandwidth", "script", "downscript"]) {
    if (element.first(name) !== undefined) throw unsupported(`<${name}> of an interface is not supported`);
  }
  if (flag(element.first("port"), "isolated") === true)
    throw unsupported("<port isolated='yes'> of an interface is not supported");
  if (element.first("driver")?.attribute("name") === "vhost")
    throw unsupported("vhost-net is not supported for interfaces");
}

/** Of a network the live definition says which bridge is its. */
function bridgeOf(element: Element): string | undefined {
  if (element.attribute("type") === "ethernet") return undefined;
  const source = element.first("source");
  const bridge = source?.attribute("bridge");
  if (bridge !== undefined) return bridge;
  throw failure(`interface: it is not known which bridge network '${source?.attribute("network") ?? ""}' has`);
}

function endpoint(element: Element | undefined, name = "source"): string {
  const source = element?.first(name);
  const [host, port] = [source?.attribute("address") ?? "", number(source, "port")];
  // A colon ends the host for QEMU, wherever it stands.
  if (port === undefined || !/^[\w.-]*$/.test(host))
    throw failure(`<${name}> of an interface needs an address and a port`);
  return `${host}:${port}`;
}
