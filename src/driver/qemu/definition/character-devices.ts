import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { ensure, readNumber, remove, setDefault } from "../../objects/element-edit.ts";
import type { MachineType } from "./machine-type.ts";

/** Fills in serial and parallel ports, consoles and channels, and makes the first console the first serial port's twin. */
export function completeCharacterDevices(devices: Element, machine: MachineType): void {
  for (const name of ["serial", "parallel", "console"]) numberPorts(devices, name);
  for (const serial of devices.all("serial")) completeSerial(serial, machine);
  for (const console of devices.all("console")) completeConsole(console);
  for (const channel of devices.all("channel")) completeChannel(channel);
  pairConsole(devices, machine);
  const all = ["serial", "parallel", "console", "channel", "redirdev", "smartcard"].flatMap((name) =>
    devices.all(name),
  );
  for (const device of all) completeBackend(device);
}

/** Consoles by their order; parallel ports behind those before them, serial ports behind the highest of all. */
function numberPorts(devices: Element, name: string): void {
  const all = devices.all(name);
  let highest = name === "serial" ? all.reduce((most, each) => Math.max(most, portOf(each)), -1) : -1;
  for (const [index, device] of all.entries()) {
    const target = ensure(device, "target");
    if (name === "console") target.setAttribute("port", String(index));
    if (target.attribute("port") === undefined) target.setAttribute("port", String(highest + 1));
    highest = Math.max(highest, portOf(device));
  }
}

function portOf(device: Element): number {
  return readNumber(device.first("target")?.attribute("port")) ?? -1;
}

export function completeSerial(serial: Element, machine: MachineType): void {
  const target = ensure(serial, "target");
  const address = serial.first("address")?.attribute("type");
  const standard = machine.isX86 ? "isa-serial" : "system-serial";
  const byAddress: Readonly<Record<string, string>> = { usb: "usb-serial", pci: "pci-serial" };
  setDefault(target, "type", byAddress[address ?? ""] ?? standard);
  const type = target.attribute("type") ?? "";
  if (type === "system-serial") return;
  setDefault(ensure(target, "model"), "name", type === "isa-debug" ? "isa-debugcon" : type);
}

function completeConsole(console: Element): void {
  console.removeAttribute("tty");
  setDefault(ensure(console, "target"), "type", "serial");
}

export function completeChannel(channel: Element): void {
  const target = ensure(channel, "target");
  target.removeAttribute("state");
  if (channel.attribute("type") === "spicevmc") setDefault(target, "name", "com.redhat.spice.0");
  if (target.attribute("type") === undefined) {
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.domain, "target type must be specified for channel device");
  }
}

/** Where a character device leads. The path of a pseudo-terminal belongs to a run, and so does one that nobody chose. */
export function completeBackend(device: Element): void {
  const type = device.attribute("type");
  const source = device.first("source");
  if (type === "pty" || type === "null" || type === "vc" || type === "stdio" || type === "spicevmc") {
    remove(device, source);
  }
  if (type === "unix" && source?.attribute("path") === undefined) remove(device, source);
  if (type === "tcp") setDefault(ensure(device, "protocol"), "type", "raw");
}

/** Old clients know consoles, and the guest has serial ports. */
function pairConsole(devices: Element, machine: MachineType): void {
  const [first, ...more] = devices.all("console");
  const isSerial = (console: Element): boolean => console.first("target")?.attribute("type") === "serial";
  if (more.some(isSerial)) throw onlyFirst();
  let [serial] = devices.all("serial");
  if (first !== undefined && isSerial(first)) {
    if (serial === undefined) {
      serial = new Element("serial", attributesOf(first), first.clone().children);
      remove(serial, serial.first("target"));
      serial.children.push(new Element("target", { port: "0" }));
      completeSerial(serial, machine);
      devices.children.push(serial);
    }
    devices.children[devices.children.indexOf(first)] = twinOf(serial);
  } else if (first === undefined && serial !== undefined && isBuiltIn(serial)) {
    devices.children.push(twinOf(serial));
  }
}

function isBuiltIn(serial: Element): boolean {
  const type = serial.first("target")?.attribute("type") ?? "";
  return ["isa-serial", "system-serial", "spapr-vio-serial", "sclp-serial"].includes(type);
}

export function twinOf(serial: Element): Element {
  const console = new Element("console", attributesOf(serial), serial.clone().children);
  const port = serial.first("target")?.attribute("port") ?? "0";
  remove(console, console.first("target"));
  console.children.push(new Element("target", { type: "serial", port }));
  return console;
}

function attributesOf(element: Element): Record<string, string> {
  return Object.fromEntries(element.attributes.map(({ name, value }) => [name, value]));
}

function onlyFirst(): VirError {
  const detail = "Only the first console can be a serial port";
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, detail);
}
