import type { Element } from "../../../xml/index.ts";
import { addressOf, virtioDriver, virtioOptions } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { networkBackend } from "./network-backend.ts";
import { command, device, type Part, type Properties } from "./part.ts";
import { flag, number, oneOf, unsupported } from "./reading.ts";

/** `<interface>`: what it is connected to, and the card that the guest sees. */
export function networkInterface(element: Element, context: GuestContext): Part[] {
  const alias = context.idOf(element, "net");
  const netdev = `host${alias}`;
  const model = element.first("model")?.attribute("type") ?? (context.isQ35 ? "e1000e" : "rtl8139");
  const properties: Properties = {
    ...(model.startsWith("virtio") ? virtioCard(element) : {}),
    netdev,
    id: alias,
    mac: element.first("mac")?.attribute("address"),
    bootindex: context.bootIndex(element),
    ...addressOf(element, context),
    ...rom(element),
    "acpi-index": number(element.first("acpi"), "index"),
  };
  const parts = [networkBackend(element, netdev, context), device(driverOf(element, model), properties)];
  const isDown = element.first("link")?.attribute("state") === "down";
  return isDown ? [...parts, command("set_link", { name: alias, up: false })] : parts;
}

/** libvirt calls cards by the names of QEMU's devices. */
function driverOf(element: Element, model: string): string {
  if (model.startsWith("virtio")) return virtioDriver("virtio-net", element);
  if (/^[\w-]+$/.test(model)) return model;
  throw unsupported(`network card model '${model}' is not supported`);
}

function virtioCard(element: Element): Properties {
  const driver = element.first("driver");
  const txmode = driver?.attribute("txmode");
  const queues = number(driver, "queues") ?? 1;
  return {
    ...virtioOptions(element),
    tx:
      txmode === undefined ? undefined : oneOf(txmode, ["iothread", "timer"], "txmode") === "iothread" ? "bh" : "timer",
    ioeventfd: flag(driver, "ioeventfd"),
    event_idx: flag(driver, "event_idx"),
    // Each pair of queues has a vector for either direction; there are two more for changes and control.
    ...(queues > 1 ? { mq: true, vectors: 2 * queues + 2 } : {}),
    rx_queue_size: number(driver, "rx_queue_size"),
    tx_queue_size: number(driver, "tx_queue_size"),
    rss: flag(driver, "rss"),
    hash: flag(driver, "rss_hash_report"),
    host_mtu: number(element.first("mtu"), "size"),
    failover: element.first("teaming")?.attribute("type") === "persistent" ? true : undefined,
    ...offloads(driver),
  };
}

function offloads(driver: Element | undefined): Properties {
  const [host, guest] = [driver?.first("host"), driver?.first("guest")];
  return {
    csum: flag(host, "csum"),
    gso: flag(host, "gso"),
    host_tso4: flag(host, "tso4"),
    host_tso6: flag(host, "tso6"),
    host_ecn: flag(host, "ecn"),
    host_ufo: flag(host, "ufo"),
    mrg_rxbuf: flag(host, "mrg_rxbuf"),
    guest_csum: flag(guest, "csum"),
    guest_tso4: flag(guest, "tso4"),
    guest_tso6: flag(guest, "tso6"),
    guest_ecn: flag(guest, "ecn"),
    guest_ufo: flag(guest, "ufo"),
  };
}

/** What the firmware may run from the card. */
export function rom(element: Element): Properties {
  const rom = element.first("rom");
  if (flag(rom, "enabled") === false) return { romfile: "" };
  const bar = flag(rom, "bar");
  return { rombar: bar === undefined ? undefined : Number(bar), romfile: rom?.attribute("file") };
}
