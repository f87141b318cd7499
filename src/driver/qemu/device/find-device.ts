import { memoryKib } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { findDevice } from "../../domain-device.ts";
import { worded } from "../../objects/worded.ts";
import { targetOf } from "../devices-of.ts";

/** Where a device is looked for: each has words of its own for what is missing. */
export type Place = "live" | "config";

/** The device that is meant, among others. Throws VirError (deviceMissing) when there is none. */
export function theDevice(devices: Element | undefined, wanted: Element, place: Place): Element {
  const found = devices && find(devices, wanted);
  if (found !== undefined) return found;
  throw missing(wanted, place);
}

function find(devices: Element, wanted: Element): Element | undefined {
  if (wanted.name === "interface") return findInterface(devices, wanted);
  if (wanted.name === "memory") return findMemory(devices, wanted);
  return findDevice(devices, wanted, ErrorDomain.qemu);
}

/** One of the same kind and size for the same cell, and in the same place and of the same name where these are said. */
function findMemory(devices: Element, wanted: Element): Element | undefined {
  const textOf = (device: Element, name: string): string | undefined => device.find("target", name)?.text.trim();
  const sizeOf = (device: Element, name: string): number | undefined => {
    const size = device.find("target", name);
    return size && memoryKib(size, `./${name}`);
  };
  const alias = wanted.first("alias")?.attribute("name");
  const place = placeOf(wanted);
  return devices.all("memory").find((each) => {
    if (each.attribute("model") !== wanted.attribute("model")) return false;
    if (alias !== undefined && each.first("alias")?.attribute("name") !== alias) return false;
    if (place !== undefined && placeOf(each) !== place) return false;
    return (
      sizeOf(each, "size") === sizeOf(wanted, "size") &&
      sizeOf(each, "block") === sizeOf(wanted, "block") &&
      textOf(each, "node") === textOf(wanted, "node")
    );
  });
}

function findInterface(devices: Element, wanted: Element): Element | undefined {
  const mac = wanted.first("mac")?.attribute("address")?.toLowerCase();
  const alias = wanted.first("alias")?.attribute("name");
  const matching = devices
    .all("interface")
    .filter((each) => mac === undefined || each.first("mac")?.attribute("address")?.toLowerCase() === mac)
    .filter((each) => alias === undefined || each.first("alias")?.attribute("name") === alias);
  if (matching.length <= 1) return matching[0];
  const place = placeOf(wanted);
  const [placed] = place === undefined ? [] : matching.filter((each) => placeOf(each) === place);
  if (placed !== undefined) return placed;
  const detail =
    mac === undefined ? "multiple matching interfaces found" : `multiple devices matching MAC address ${mac} found`;
  throw VirError.of(ErrorCode.operationFailed, ErrorDomain.domain, detail);
}

/** Where it is plugged, for cards of the same address. */
function placeOf(device: Element): string | undefined {
  const address = device.first("address");
  return address?.attributes
    .map(({ name, value }) => `${name}=${value}`)
    .sort()
    .join(" ");
}

function missing(wanted: Element, place: Place): VirError {
  const isLive = place === "live";
  const [domain, detail] = words(wanted, isLive);
  return worded(ErrorCode.deviceMissing, domain, "device not found", detail);
}

function words(wanted: Element, isLive: boolean): [ErrorDomain, string] {
  const { qemu, domain } = ErrorDomain;
  switch (wanted.name) {
    case "disk":
      return [qemu, isLive ? `disk ${targetOf(wanted)} not found` : `no target device ${targetOf(wanted)}`];
    case "interface": {
      const mac = wanted.first("mac")?.attribute("address") ?? "";
      return [domain, `no device found at address '(<null>)' matching MAC address '${mac}' and alias '(<null>)'`];
    }
    case "rng": {
      const model = wanted.first("backend")?.attribute("model") ?? "";
      return [
        qemu,
        isLive ? `model '${model}' RNG device not present in domain configuration` : "no matching RNG device was found",
      ];
    }
    case "controller": {
      const [type, index] = [wanted.attribute("type") ?? "", wanted.attribute("index") ?? "0"];
      return [qemu, isLive ? `controller ${type}:${index} not found` : "device not present in domain configuration"];
    }
    case "watchdog":
      return [qemu, isLive ? "watchdog device not present in domain configuration" : "domain has no watchdog"];
    case "input":
      return [qemu, "matching input device not found"];
    default:
      return [qemu, "device not present in domain configuration"];
  }
}
