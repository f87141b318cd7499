import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";

/** What a client asks about; what it leaves out has Xen's defaults. */
export interface AskedMachine {
  readonly emulator: string | null;
  readonly arch: string | null;
  readonly machine: string | null;
  readonly virttype: string | null;
}

const emulator = "/usr/bin/qemu-system-x86_64";
/** Of each machine how many processors a guest may have. */
const machines: Readonly<Record<string, number>> = { xenpv: 512, xenpvh: 512, xenfv: 128 };

/** What a guest of that kind may have, as libvirt tells it. Throws VirError for a machine that is not Xen's. */
export function domainCapabilities({ emulator: path, arch, machine, virttype }: AskedMachine): Element {
  if (virttype !== null && virttype !== "xen") throw wrong(`unknown virttype: ${virttype}`);
  if (arch !== null && arch !== "x86_64" && arch !== "i686") throw wrong(`unknown architecture: ${arch}`);
  const name = machine ?? "xenpv";
  const vcpus = Object.hasOwn(machines, name) ? machines[name] : undefined;
  if (vcpus === undefined) throw wrong("Xen only supports 'xenpv', 'xenpvh' and 'xenfv' machines");
  return new Element("domainCapabilities", {}, [
    Element.leaf("path", path ?? emulator),
    Element.leaf("domain", "xen"),
    Element.leaf("machine", name),
    Element.leaf("arch", arch ?? "x86_64"),
    new Element("vcpu", { max: String(vcpus) }),
    supported("iothreads", false),
    supported("os", true, [loader(name === "xenfv")]),
    new Element(
      "cpu",
      {},
      ["host-passthrough", "maximum", "host-model", "custom"].map(
        (mode) => new Element("mode", { name: mode, supported: "no" }),
      ),
    ),
    new Element("devices", {}, [
      supported("disk", true, [
        choice("diskDevice", ["disk", "cdrom"]),
        choice("bus", ["ide", "scsi", "xen"]),
        choice("model", []),
      ]),
      supported("graphics", true, [choice("type", ["sdl", "vnc", "spice"])]),
      supported("video", true, [choice("modelType", ["vga", "cirrus", "xen"])]),
      ...(name === "xenpvh" ? [] : [hostDevices()]),
    ]),
    new Element(
      "features",
      {},
      ["gic", "vmcoreinfo", "genid", "sev", "sgx"].map((feature) => supported(feature, false)),
    ),
  ]);
}

function loader(isFull: boolean): Element {
  if (!isFull) return supported("loader", false);
  return supported("loader", true, [
    Element.leaf("value", "/usr/lib/xen/boot/ovmf.bin"),
    Element.leaf("value", "/usr/lib/xen/boot/hvmloader"),
    choice("type", ["rom", "pflash"]),
    choice("readonly", ["yes"]),
  ]);
}

function hostDevices(): Element {
  return supported("hostdev", true, [
    choice("mode", ["subsystem"]),
    choice("startupPolicy", ["default", "mandatory", "requisite", "optional"]),
    choice("subsysType", ["usb", "pci"]),
    choice("capsType", []),
    choice("pciBackend", ["xen"]),
  ]);
}

function supported(name: string, isSupported: boolean, children: Element[] = []): Element {
  return new Element(name, { supported: isSupported ? "yes" : "no" }, children);
}

function choice(name: string, values: readonly string[]): Element {
  return new Element(
    "enum",
    { name },
    values.map((value) => Element.leaf("value", value)),
  );
}

function wrong(detail: string): VirError {
  return VirError.of(ErrorCode.invalidArg, ErrorDomain.libxl, detail);
}
