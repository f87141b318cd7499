import type { Definition, DiskDefinition, SerialDefinition } from "../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";

/**
 * QEMU's arguments for a definition. The monitor listens on descriptor 3, and the guest's processors wait for `cont`.
 * Throws VirError (configUnsupported) for what QEMU could do and this driver does not.
 *
 * Values from the definition go into JSON, stand alone as an argument, or have their commas doubled: none can become
 * an option of its own.
 */
export function commandLine(definition: Definition): string[] {
  checkSupport(definition);
  return [
    ["-name", `guest=${value(definition.name)},debug-threads=on`, "-S"],
    machine(definition),
    ["-m", `size=${definition.memoryKib}k`, "-overcommit", "mem-lock=off"],
    ["-smp", `cpus=${definition.vcpus},maxcpus=${definition.maxVcpus}`],
    ["-uuid", definition.uuid, "-display", "none", "-no-user-config", "-nodefaults"],
    ["-chardev", "socket,id=charmonitor,fd=3,server=on,wait=off"],
    ["-mon", "chardev=charmonitor,id=monitor,mode=control", "-rtc", "base=utc"],
    // The process stays when the guest powers off: what follows from it is the driver's to say.
    ["-no-shutdown", "-boot", "strict=on"],
    boot(definition),
    definition.disks.flatMap(disk),
    definition.serials.flatMap(serial),
    balloon(definition),
    ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ["-msg", "timestamp=on"],
  ].flat();
}

function machine(definition: Definition): string[] {
  const name = definition.root.find("os", "type")?.attribute("machine") ?? "pc";
  // The key is written out: without it a name with "=" in it would be taken for an option.
  const options = [`type=${value(name)}`, "usb=off", "dump-guest-core=off"];
  if (isX86(definition)) options.push(`acpi=${definition.root.find("features", "acpi") === undefined ? "off" : "on"}`);
  // Without a display the firmware then talks on the first serial port.
  if (definition.root.find("os", "bios")?.attribute("useserial") === "yes") options.push("graphics=off");
  const accelerator = definition.type === "kvm" ? "kvm" : "tcg";
  const model = cpuModel(definition);
  return ["-machine", options.join(","), "-accel", accelerator, ...(model === undefined ? [] : ["-cpu", model])];
}

function cpuModel({ root }: Definition): string | undefined {
  const cpu = root.first("cpu");
  const mode = cpu?.attribute("mode") ?? "custom";
  if (mode === "host-passthrough") return "host";
  if (mode === "maximum") return "max";
  if (mode !== "custom") throw unsupported(`cpu mode '${mode}' is not supported`);
  const model = cpu?.first("model")?.text.trim() || undefined;
  // QEMU takes what follows a comma for a feature, doubled or not.
  if (model?.includes(",") === true) {
    throw VirError.of(ErrorCode.internalError, ErrorDomain.qemu, `Unknown CPU model ${model}`);
  }
  return model;
}

function boot(definition: Definition): string[] {
  const options = [
    ["-kernel", definition.textOf("os", "kernel")],
    ["-initrd", definition.textOf("os", "initrd")],
    ["-append", definition.textOf("os", "cmdline")],
  ] as const;
  return options.flatMap(([option, value]) => (value === undefined ? [] : [option, value]));
}

/** The image as a node of its own, the format over it, and the device over that. */
function disk(disk: DiskDefinition, index: number): string[] {
  const { readOnly, file } = disk;
  const node = `disk${index}`;
  const device = { ...diskDevice(disk), id: `${disk.bus}-${disk.target}`, bootindex: index + 1 };
  if (file === undefined) return ["-device", JSON.stringify(device)];
  const storage = { "node-name": `${node}-storage`, driver: "file", filename: file, "read-only": readOnly };
  const format = { "node-name": node, driver: disk.format, file: storage["node-name"], "read-only": readOnly };
  const attached = { ...device, drive: node };
  return [
    "-blockdev",
    JSON.stringify(storage),
    "-blockdev",
    JSON.stringify(format),
    "-device",
    JSON.stringify(attached),
  ];
}

function diskDevice({ bus, device, target }: DiskDefinition): Record<string, unknown> {
  const kind = device === "cdrom" ? "cd" : "hd";
  const unit = target.charCodeAt(target.length - 1) - "a".charCodeAt(0);
  if (bus === "virtio" && device === "disk") return { driver: "virtio-blk-pci" };
  if (bus === "ide") return { driver: `ide-${kind}`, bus: `ide.${unit >> 1}`, unit: unit & 1 };
  if (bus === "sata") return { driver: `ide-${kind}`, bus: `ide.${unit}` };
  throw unsupported(`disk '${target}': a ${device} on bus '${bus}' is not supported`);
}

function serial(port: SerialDefinition, index: number): string[] {
  const id = `charserial${index}`;
  const device = { driver: "isa-serial", chardev: id, id: `serial${index}`, index };
  return ["-chardev", backend(port, id), "-device", JSON.stringify(device)];
}

function backend({ type, path, append }: SerialDefinition, id: string): string {
  if (type === "pty" || type === "null") return `${type},id=${id}`;
  if (type !== "file") throw unsupported(`serial port of type '${type}' is not supported`);
  if (path === undefined) throw unsupported("a serial port of type 'file' needs <source path='...'/>");
  return `file,id=${id},path=${value(path)},append=${append ? "on" : "off"}`;
}

function balloon({ root }: Definition): string[] {
  const model = root.find("devices", "memballoon")?.attribute("model") ?? "none";
  return model === "none" ? [] : ["-device", JSON.stringify({ driver: "virtio-balloon-pci", id: "balloon0" })];
}

const qemuNamespace = "http://libvirt.org/schemas/domain/qemu/1.0";

/** What is made into arguments above, what needs none, and what belongs to the machine anyway. */
const known = "emulator disk serial console memballoon controller input audio".split(" ");

/** A guest without something that its definition asks for would be a surprise. */
function checkSupport({ root, disks }: Definition): void {
  if (root.first("commandline", qemuNamespace) !== undefined) throw unsupported("<qemu:commandline> is not supported");
  for (const device of root.first("devices")?.elements() ?? []) {
    const { name } = device;
    if (!known.includes(name)) throw unsupported(`device <${name}> is not supported`);
    const bus = device.attribute("bus");
    if (name === "input" && bus !== undefined && bus !== "ps2")
      throw unsupported(`input on bus '${bus}' is not supported`);
  }
  for (const { type, format, target } of disks) {
    if (type !== "file") throw unsupported(`disk '${target}': source of type '${type}' is not supported`);
    if (!["raw", "qcow2"].includes(format)) throw unsupported(`disk '${target}': format '${format}' is not supported`);
  }
}

function isX86({ root }: Definition): boolean {
  return ["x86_64", "i686"].includes(root.find("os", "type")?.attribute("arch") ?? "x86_64");
}

/** A value among options that commas separate. */
function value(text: string): string {
  return text.replaceAll(",", ",,");
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}
