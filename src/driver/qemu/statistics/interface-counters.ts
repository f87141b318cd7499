import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { HostFiles } from "../../host-files.ts";

const names = [
  "rxBytes rx_bytes tx_bytes",
  "rxPackets rx_packets tx_packets",
  "rxErrs rx_errors tx_errors",
  "rxDrop rx_dropped tx_dropped",
  "txBytes tx_bytes rx_bytes",
  "txPackets tx_packets rx_packets",
  "txErrs tx_errors rx_errors",
  "txDrop tx_dropped rx_dropped",
].map((line) => line.split(" ") as [string, string, string]);

export interface InterfaceCounters {
  readonly rxBytes: bigint;
  readonly rxPackets: bigint;
  readonly rxErrs: bigint;
  readonly rxDrop: bigint;
  readonly txBytes: bigint;
  readonly txPackets: bigint;
  readonly txErrs: bigint;
  readonly txDrop: bigint;
}

/** The host's name for an interface of a guest; absent where the host has none. */
export function hostNameOf(device: Element): string | undefined {
  return device.first("target")?.attribute("dev");
}

/**
 * As the guest sees it: what it has sent has come in on the host's end of a tap; but a macvtap (`direct`) counts as the
 * guest does. Undefined when the host does not have the interface (any more).
 */
export async function interfaceCounters(
  device: Element,
  files = new HostFiles(),
): Promise<InterfaceCounters | undefined> {
  const name = hostNameOf(device);
  if (name === undefined || !/^[\w.:-]+$/.test(name) || /^\.*$/.test(name)) return undefined;
  const isDirect = device.attribute("type") === "direct";
  const read = (counter: string) => files.text(`/sys/class/net/${name}/statistics/${counter}`);
  const texts = await Promise.all(names.map(([, own, other]) => read(isDirect ? own : other)));
  if (texts.includes(undefined)) return undefined;
  const entries = names.map(([field], at) => [field, BigInt(texts[at] ?? 0)]);
  return Object.fromEntries(entries) as InterfaceCounters;
}

/** There are no counters of an interface that the host does not know. */
export function noHostInterface(): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.none, "Interface name not provided");
}
