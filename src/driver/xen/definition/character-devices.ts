import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { ensure, readNumber, remove, setDefault } from "../../objects/element-edit.ts";
import { completeBackend } from "../../qemu/definition/character-devices.ts";
import type { GuestKind } from "./complete.ts";

/** Fills in serial ports, consoles and channels; a guest that knows Xen has Xen's console. Throws VirError. */
export function completeCharacterDevices(devices: Element, kind: GuestKind): void {
  for (const name of ["serial", "parallel", "console"]) numberPorts(devices, name);
  for (const channel of devices.all("channel")) {
    if (channel.first("target")?.attribute("type") !== undefined) continue;
    throw VirError.of(ErrorCode.xmlError, ErrorDomain.domain, "target type must be specified for channel device");
  }
  const standard = kind === "hvm" ? "serial" : "xen";
  for (const console of devices.all("console")) {
    console.removeAttribute("tty");
    setDefault(ensure(console, "target"), "type", standard);
  }
  if (kind === "hvm") pairConsole(devices);
  else if (devices.first("console") === undefined) {
    devices.children.push(new Element("console", { type: "pty" }, [new Element("target", { type: "xen", port: "0" })]));
  }
  for (const name of ["serial", "parallel", "console", "channel"]) devices.all(name).forEach(completeBackend);
}

function numberPorts(devices: Element, name: string): void {
  const all = devices.all(name);
  for (const [index, device] of all.entries()) {
    const target = ensure(device, "target");
    if (name === "console") target.setAttribute("port", String(index));
    if (target.attribute("port") !== undefined) continue;
    const ports = all.map((each) => readNumber(each.first("target")?.attribute("port")) ?? -1);
    target.setAttribute("port", String(Math.max(-1, ...ports) + 1));
  }
}

/** Old clients know consoles, and the guest has serial ports. */
function pairConsole(devices: Element): void {
  const [first] = devices.all("console");
  const isSerial = first?.first("target")?.attribute("type") === "serial";
  let [serial] = devices.all("serial");
  if (first !== undefined && !isSerial) return;
  if (serial === undefined) {
    if (first === undefined) return;
    serial = twin(first, "serial", { port: "0" });
    devices.children.push(serial);
  }
  const console = twin(serial, "console", {
    type: "serial",
    port: serial.first("target")?.attribute("port") ?? "0",
  });
  if (first === undefined) devices.children.push(console);
  else devices.children[devices.children.indexOf(first)] = console;
}

function twin(of: Element, name: string, target: Readonly<Record<string, string>>): Element {
  const made = new Element(name, attributesOf(of), of.clone().children);
  remove(made, made.first("target"));
  made.children.push(new Element("target", target));
  return made;
}

function attributesOf(element: Element): Record<string, string> {
  return Object.fromEntries(element.attributes.map(({ name, value }) => [name, value]));
}
