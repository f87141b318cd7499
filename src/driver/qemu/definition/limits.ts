import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { readNumber } from "../../objects/element-edit.ts";

/** More than any guest has; what follows from them is worked out in one go. */
const most = { devices: 1_024, cells: 128, controller: 255 };

/** Refuses what would keep everybody waiting while it is completed. Throws VirError. */
export function checkLimits(root: Element): void {
  const devices = root.first("devices")?.elements() ?? [];
  if (devices.length > most.devices) throw tooMany("devices", most.devices);
  const cells = root.find("cpu", "numa")?.all("cell") ?? [];
  if (cells.length > most.cells) throw tooMany("NUMA cells", most.cells);
  for (const device of devices) {
    const index = device.name === "controller" ? device.attribute("index") : undefined;
    checkNumber(index);
    const address = device.first("address");
    if (["drive", "virtio-serial"].includes(address?.attribute("type") ?? "")) {
      checkNumber(address?.attribute("controller"));
    }
  }
  checkOverlap(root);
}

function checkNumber(text: string | undefined): void {
  const number = text === undefined ? 0 : readNumber(text);
  if (number === undefined) throw failure(ErrorCode.internalError, `Cannot parse controller index ${text}`);
  checkController(number);
}

/** Throws VirError when nobody has that many controllers. */
export function checkController(number: number): void {
  if (number <= most.controller) return;
  const detail = `controller index ${number} too high, maximum is ${most.controller}`;
  throw failure(ErrorCode.configUnsupported, detail);
}

/** A processor is pinned once. */
function checkOverlap(root: Element): void {
  for (const name of ["vcpupin", "iothreadpin"]) {
    const pins = root.first("cputune")?.all(name) ?? [];
    const threads = pins.map((pin) => pin.attribute(name === "vcpupin" ? "vcpu" : "iothread"));
    if (new Set(threads).size === threads.length) continue;
    const twice = threads.find((thread, at) => threads.indexOf(thread) !== at);
    const what = name === "vcpupin" ? "vcpu" : "iothread id";
    throw failure(ErrorCode.internalError, `duplicate ${name} for ${what} '${twice}'`);
  }
}

function tooMany(what: string, count: number): VirError {
  return failure(ErrorCode.configUnsupported, `a guest with more than ${count} ${what} is not supported`);
}

function failure(code: ErrorCode, detail: string): VirError {
  return VirError.of(code, ErrorDomain.domain, detail);
}
