import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import type { Element } from "../../../xml/index.ts";
import { ioThreadIds } from "../../tuning/io-thread-list.ts";
import { machineType } from "./machine-type.ts";

/** Refuses, in libvirt's words, what contradicts itself; for a definition that is complete. Throws VirError. */
export function checkDefinition(root: Element): void {
  const devices = root.first("devices");
  if (devices === undefined) return;
  checkSingle(devices);
  checkIommu(root, devices);
  checkDisks(root, devices);
  checkControllers(devices);
  checkInterfaces(devices);
  checkCharacterDevices(devices);
  checkBootOrder(root, devices);
  checkAliases(devices);
  checkProcessors(root);
  checkSharedMemory(root, devices);
  const modules = devices.all("memory");
  if (modules.length > 0 && root.first("maxMemory") === undefined) {
    throw qemuUnsupported("cannot use/hotplug a memory device when domain 'maxMemory' is not defined");
  }
  for (const name of ["on_poweroff", "on_reboot"]) {
    if (root.first(name)?.text.trim() !== "preserve") continue;
    throw qemuUnsupported("qemu driver doesn't support the 'preserve' action for 'on_reboot'/'on_poweroff'");
  }
}

/** Of some kinds a guest has one or none. */
function checkSingle(devices: Element): void {
  const names = { watchdog: "watchdog", memballoon: "memory balloon", iommu: "IOMMU", vsock: "vsock" };
  for (const [name, words] of Object.entries(names)) {
    if (devices.all(name).length > 1) throw internal(`only a single ${words} device is supported`);
  }
  if (devices.all("tpm").length > 1) throw qemuUnsupported("only a single TPM non-proxy device is supported");
}

function checkIommu(root: Element, devices: Element): void {
  const model = devices.first("iommu")?.attribute("model");
  const { isQ35, isVirt } = machineType(root);
  if (model === "intel" && !isQ35) throw qemuUnsupported("IOMMU device: 'intel' is only supported with Q35 machines");
  if (model !== "virtio") return;
  if (!isQ35 && !isVirt)
    throw qemuUnsupported("IOMMU device: 'virtio' is only supported with Q35 and ARM Virt machines");
  if (root.find("features", "acpi") === undefined) throw qemuUnsupported("IOMMU device: 'virtio' requires ACPI");
}

function checkDisks(root: Element, devices: Element): void {
  const places = new Map<string, string>();
  const threads = ioThreadIds(root);
  for (const disk of devices.all("disk")) {
    const name = disk.first("target")?.attribute("dev") ?? "";
    const device = disk.attribute("device") ?? "disk";
    const bus = disk.first("target")?.attribute("bus") ?? "";
    if (disk.first("source") === undefined && device !== "cdrom" && device !== "floppy") throw noSource(name);
    if (device === "cdrom" && bus === "virtio") {
      throw qemuUnsupported(`disk type of '${name}' does not support ejectable media`);
    }
    const driver = disk.first("driver");
    if (driver?.attribute("name") !== "qemu") {
      throw qemuUnsupported(`unsupported driver name '${driver?.attribute("name")}' for disk '${name}'`);
    }
    const thread = driver.attribute("iothread");
    if (thread !== undefined && !threads.includes(Number(thread))) {
      throw qemuUnsupported(`Disk iothread '${thread}' not defined in iothreadid`);
    }
    checkDrive(disk, bus, name, places);
  }
}

function checkDrive(disk: Element, bus: string, name: string, places: Map<string, string>): void {
  const address = disk.first("address");
  const type = address?.attribute("type");
  if (bus === "virtio" && type === "drive")
    throw qemuUnsupported(`virtio disk cannot have an address of type '${type}'`);
  if (type !== "drive") return;
  const parts = ["controller", "bus", "target", "unit"];
  const place = parts.map((part) => `${part}='${address?.attribute(part) ?? "0"}'`).join(" ");
  const other = places.get(`${bus} ${place}`);
  if (other !== undefined) {
    throw unsupported(`Found duplicate drive address for disk with target name '${other}' ${place}`);
  }
  places.set(`${bus} ${place}`, name);
}

function checkControllers(devices: Element): void {
  const known = new Set<string>();
  for (const controller of devices.all("controller")) {
    const [type, index] = [controller.attribute("type"), controller.attribute("index")];
    // Companions share a number.
    if (type === "usb") continue;
    const key = `${type} ${index}`;
    if (known.has(key)) throw wrong(`Multiple '${type}' controllers with index '${index}'`);
    known.add(key);
  }
}

function checkInterfaces(devices: Element): void {
  for (const device of devices.all("interface")) {
    const type = device.attribute("type") ?? "";
    const model = device.first("model")?.attribute("type") ?? "";
    if (["network", "bridge"].includes(type) && device.first("source") === undefined) {
      throw wrong(`interface type='${type}' requires a 'source' element`);
    }
    if (!/^[\w-]*$/.test(model)) {
      throw VirError.of(ErrorCode.invalidArg, ErrorDomain.domain, "Model name contains invalid characters");
    }
  }
}

function checkCharacterDevices(devices: Element): void {
  for (const name of ["serial", "parallel", "console", "channel"]) {
    for (const device of devices.all(name)) {
      const needsPath = ["file", "dev", "pipe"].includes(device.attribute("type") ?? "");
      if (needsPath && device.first("source")?.attribute("path") === undefined) {
        throw internal("Missing source path attribute for char device");
      }
    }
  }
}

function checkBootOrder(root: Element, devices: Element): void {
  const orders = devices.elements().flatMap((each) => each.first("boot")?.attribute("order") ?? []);
  if (orders.length > 0 && root.find("os", "boot") !== undefined) {
    throw unsupported("per-device boot elements cannot be used together with os/boot elements");
  }
  for (const [at, order] of orders.entries()) {
    if (/^0*$/.test(order)) {
      const detail = "Invalid value for attribute 'order' in element 'boot': Zero is not permitted";
      throw VirError.of(ErrorCode.xmlError, ErrorDomain.xml, detail);
    }
    if (orders.indexOf(order) !== at) throw unsupported(`boot order '${order}' used for more than one device`);
  }
}

function checkAliases(devices: Element): void {
  const serial = devices.first("serial")?.first("alias")?.attribute("name");
  const known = new Set<string>();
  for (const device of devices.elements()) {
    const alias = device.first("alias")?.attribute("name");
    // The console that stands for a serial port has its name.
    if (alias === undefined || (device.name === "console" && alias === serial)) continue;
    if (known.has(alias)) throw unsupported(`non unique alias detected: ${alias}`);
    known.add(alias);
  }
}

function checkProcessors(root: Element): void {
  const cpu = root.first("cpu");
  const names = cpu?.all("feature").map((each) => each.attribute("name")) ?? [];
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.cpu, `CPU feature '${twice}' specified more than once`);
  }
  const count = Number(root.first("vcpu")?.text ?? 1);
  const { isQ35, isI440fx } = machineType(root);
  const most = isQ35 ? 288 : isI440fx ? 255 : Infinity;
  if (count > most) throw qemuUnsupported(`Maximum CPUs greater than specified machine type limit ${most}`);
  const topology = cpu?.first("topology");
  if (topology === undefined) return;
  const parts = ["sockets", "dies", "cores", "threads"].map((part) => Number(topology.attribute(part) ?? 1));
  if (parts.reduce((product, part) => product * part, 1) !== count) {
    throw qemuUnsupported("CPU topology doesn't match maximum vcpu count");
  }
}

/** virtiofsd reads and writes the guest's memory. */
function checkSharedMemory(root: Element, devices: Element): void {
  const isUsed = devices.all("filesystem").some((each) => each.first("driver")?.attribute("type") === "virtiofs");
  if (!isUsed) return;
  const common = root.find("memoryBacking", "access")?.attribute("mode");
  const cells = root.find("cpu", "numa")?.all("cell") ?? [];
  const modes = cells.length === 0 ? [common] : cells.map((cell) => cell.attribute("memAccess") ?? common);
  if (modes.some((mode) => mode !== "shared")) throw qemuUnsupported("'virtiofs' requires shared memory");
}

function noSource(name: string): VirError {
  const str1 = "missing source information for device %s";
  const fields = { code: ErrorCode.noSource, domain: ErrorDomain.domain, str1, str2: name };
  return new VirError(str1.replace("%s", name), fields);
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.xmlError, ErrorDomain.domain, detail);
}

function internal(detail: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.domain, detail);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, detail);
}

function qemuUnsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}
