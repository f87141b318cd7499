import type { Completion, Definition } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { arrangeDomain } from "../../domain-places.ts";
import { ensure, reorder } from "../../objects/element-edit.ts";
import { defaultPath, localArch, packages } from "../binary.ts";
import { completeAddresses } from "./addresses.ts";
import { completeCharacterDevices } from "./character-devices.ts";
import { checkDefinition } from "./checks.ts";
import { completeController, numberControllers, sortControllers } from "./controllers.ts";
import { completeDisk, sortDisks } from "./disks.ts";
import { completeDisplays, sortVideos } from "./displays.ts";
import { addImplicitControllers, addMachineDevices } from "./implicit-devices.ts";
import { completeInterface } from "./interfaces.ts";
import { checkValues } from "./known-values.ts";
import { checkLimits } from "./limits.ts";
import { completeMachineSettings } from "./machine-settings.ts";
import { canonicalMachine, type MachineType, machineType } from "./machine-type.ts";
import { completeOther } from "./other-devices.ts";
import { completeProcessor, numaMemoryKib } from "./processor.ts";
import { completeSecurityLabels } from "./security-labels.ts";
import { completeTuning } from "./tuning.ts";

/** What a definition is completed with. */
export interface CompletionFacts {
  /** QEMU's, as major * 1,000,000 + minor * 1,000 + release; 0 when there is none. */
  readonly version: bigint;
  /** Where guests with UEFI keep their variables, unless they say where. */
  readonly nvramDirectory: string;
}

/**
 * Fills in what libvirt's QEMU driver fills in when a domain is defined, and brings all into its order; what libvirt
 * does not know stays. What is complete already stays as it is. It throws VirError for what cannot be.
 */
export function completionFor({ version, nvramDirectory }: CompletionFacts): Completion {
  return (root, definition) => {
    checkLimits(root);
    completeType(root, definition, version);
    checkValues(root);
    const machine = machineType(root);
    completeMemory(root);
    completeDevices(root, machine);
    completeMachineSettings(root, machine, `${nvramDirectory}/${definition.name}_VARS.fd`);
    completeProcessor(root, machine);
    completeTuning(root);
    completeSecurityLabels(root);
    checkDefinition(root);
    arrangeDomain(root);
  };
}

function completeType(root: Element, definition: Definition, version: bigint): void {
  const type = root.find("os", "type");
  const arch = type?.attribute("arch") ?? localArch();
  if (packages[arch] === undefined) {
    throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, `Unknown architecture ${arch}`);
  }
  if (definition.type !== "qemu" && definition.type !== "kvm") {
    throw unsupported(`Emulator '${defaultPath(arch)}' does not support virt type '${definition.type}'`);
  }
  if (definition.osType !== "hvm") {
    throw unsupported(`Emulator '${defaultPath(arch)}' does not support os type '${definition.osType}'`);
  }
  const machine = type?.attribute("machine") ?? (packages[arch] === packages["x86_64"] ? "pc" : "virt");
  type?.setAttribute("arch", arch);
  type?.setAttribute("machine", canonicalMachine(machine, version));
}

/** The cells of a guest say how much it has. */
function completeMemory(root: Element): void {
  const kib = numaMemoryKib(root);
  if (kib === undefined) return;
  const memory = root.first("memory");
  const current = root.first("currentMemory");
  const wished = Number(current?.text ?? kib);
  if (current?.text === memory?.text || wished > kib) current?.setText(String(kib));
  memory?.setText(String(kib));
}

function completeDevices(root: Element, machine: MachineType): void {
  const devices = ensure(root, "devices");
  const arch = root.find("os", "type")?.attribute("arch") ?? "";
  if (devices.first("emulator") === undefined) devices.children.push(Element.leaf("emulator", defaultPath(arch)));
  reorder(devices, "disk", sortDisks(devices.all("disk")));
  reorder(devices, "controller", sortControllers(devices.all("controller")));
  reorder(devices, "video", sortVideos(devices));
  numberControllers(devices);
  for (const input of devices.all("input")) completeOther(input, machine);
  addMachineDevices(devices, machine);
  for (const device of devices.elements()) completeDevice(device, machine);
  completeCharacterDevices(devices, machine);
  completeDisplays(devices);
  addImplicitControllers(devices);
  for (const controller of devices.all("controller")) completeController(controller);
  completeAddresses(root, devices, machine);
}

function completeDevice(device: Element, machine: MachineType): void {
  if (device.name === "disk") completeDisk(device, machine);
  else if (device.name === "controller") completeController(device);
  else if (device.name === "interface") completeInterface(device);
  else completeOther(device, machine);
}

function unsupported(detail: string): VirError {
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}
