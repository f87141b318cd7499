import { Element } from "../../../xml/index.ts";
import type { GuestKind } from "../definition/complete.ts";
import { unsupported } from "../errors.ts";
import { attributes, given, type NicConfig } from "./parts.ts";

/** How long a rate is measured over. */
const intervalUs = 50_000;

/** libxl's network card for a definition's interface; libxl itself gives it a number where none is said. Throws VirError. */
export function nicConfig(device: Element, devid: number | undefined, kind: GuestKind): NicConfig {
  const type = device.attribute("type") ?? "bridge";
  if (type !== "bridge" && type !== "ethernet") throw unsupported(`unsupported interface type ${type}`);
  const model = device.first("model")?.attribute("type");
  const isEmulated = kind === "hvm" && model !== "netfront";
  if (kind !== "hvm" && model !== undefined && model !== "netfront") {
    throw unsupported("only model 'netfront' is supported for Xen PV(H) domains");
  }
  const addresses = device.all("ip").flatMap((ip) => ip.attribute("address") ?? []);
  return given<NicConfig>({
    backend_domname: device.first("backenddomain")?.attribute("name"),
    devid,
    model,
    mac: device.first("mac")?.attribute("address"),
    ip: addresses.length === 0 ? undefined : addresses.join(" "),
    bridge: type === "bridge" ? device.first("source")?.attribute("bridge") : undefined,
    ifname: device.first("target")?.attribute("dev"),
    script: device.first("script")?.attribute("path"),
    nictype: isEmulated ? "vif_ioemu" : "vif",
    ...rateOf(device),
  });
}

function rateOf(device: Element): Pick<NicConfig, "rate_bytes_per_interval" | "rate_interval_usecs"> {
  const average = device.find("bandwidth", "outbound")?.attribute("average");
  if (average === undefined) return {};
  const bytes = Math.floor((Number(average) * 1024 * intervalUs) / 1_000_000);
  return { rate_bytes_per_interval: bytes, rate_interval_usecs: intervalUs };
}

/** A definition's interface for libxl's network card. */
export function nicElement(nic: NicConfig): Element {
  const { mac, ip, bridge, ifname, script, model, nictype, backend_domname: domain } = nic;
  const { rate_bytes_per_interval: bytes = 0, rate_interval_usecs: us = intervalUs } = nic;
  const isShown = model !== undefined || nictype === "vif_ioemu";
  const kib = Math.round((bytes * 1_000_000) / us / 1024);
  const children = [
    ...(mac === undefined ? [] : [new Element("mac", { address: mac })]),
    ...(bridge === undefined ? [] : [new Element("source", { bridge })]),
    ...(bytes === 0 ? [] : [new Element("bandwidth", {}, [new Element("outbound", { average: String(kib) })])]),
    ...(ip?.split(" ") ?? []).map(
      (address) => new Element("ip", { address, family: address.includes(":") ? "ipv6" : "ipv4" }),
    ),
    ...(script === undefined ? [] : [new Element("script", { path: script })]),
    ...(domain === undefined ? [] : [new Element("backenddomain", { name: domain })]),
    ...(ifname === undefined ? [] : [new Element("target", { dev: ifname })]),
    ...(isShown && model !== undefined ? [new Element("model", attributes({ type: model }))] : []),
  ];
  return new Element("interface", { type: bridge === undefined ? "ethernet" : "bridge" }, children);
}
