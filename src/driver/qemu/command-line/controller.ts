import type { Element } from "../../../xml/index.ts";
import { addressOf, virtioDriver, virtioOptions } from "./address.ts";
import type { GuestContext } from "./guest-context.ts";
import { argument, device, type Part, type Properties } from "./part.ts";
import { pciController } from "./pci-controller.ts";
import { flag, number, unsupported } from "./reading.ts";
import { usbController } from "./usb-controller.ts";

/** `<controller>`; no parts where the machine has it anyway. */
export function controller(element: Element, context: GuestContext): Part[] {
  const type = element.attribute("type") ?? "";
  const build = types[type];
  if (build === undefined) throw unsupported(`controller of type '${type}' is not supported`);
  return build(element, context);
}

type Build = (element: Element, context: GuestContext) => Part[];

const types: Readonly<Record<string, Build>> = {
  pci: pciController,
  usb: usbController,
  scsi,
  ide,
  sata,
  fdc: floppyController,
  "virtio-serial": virtioSerial,
  ccid: (element, context) => [
    device("usb-ccid", { id: context.controllerId("ccid", indexOf(element)), ...addressOf(element, context) }),
  ],
  isa: () => [],
};

function indexOf(element: Element): number {
  return number(element, "index") ?? 0;
}

const scsiDrivers: Readonly<Record<string, string>> = {
  lsilogic: "lsi",
  lsisas1068: "mptsas1068",
  lsisas1078: "megasas",
  vmpvscsi: "pvscsi",
  am53c974: "am53c974",
  dc390: "dc390",
};

function scsi(element: Element, context: GuestContext): Part[] {
  const model = element.attribute("model") ?? "lsilogic";
  const id = context.controllerId("scsi", indexOf(element));
  const place = addressOf(element, context);
  const old = scsiDrivers[model];
  if (old !== undefined) return [device(old, { id, ...place })];
  if (!["virtio-scsi", "virtio-transitional", "virtio-non-transitional"].includes(model)) {
    throw unsupported(`SCSI controller of model '${model}' is not supported`);
  }
  const driver = element.first("driver");
  const thread = number(driver, "iothread");
  const properties: Properties = {
    ...virtioOptions(element),
    id,
    iothread: thread === undefined || thread === 0 ? undefined : `iothread${thread}`,
    num_queues: number(driver, "queues"),
    cmd_per_lun: number(driver, "cmd_per_lun"),
    max_sectors: number(driver, "max_sectors"),
    ioeventfd: flag(driver, "ioeventfd"),
    ...place,
  };
  return [device(virtioDriver("virtio-scsi", element), properties)];
}

/** A pc has one, and nothing else can have one. */
function ide(element: Element, context: GuestContext): Part[] {
  if (context.isI440fx && indexOf(element) === 0) return [];
  if (context.machine === "isapc" && indexOf(element) < 2) return [];
  throw unsupported("Only a single IDE controller is supported for this machine type");
}

/** A q35 has one. */
function sata(element: Element, context: GuestContext): Part[] {
  if (context.isQ35 && indexOf(element) === 0) return [];
  return [device("ahci", { id: context.controllerId("sata", indexOf(element)), ...addressOf(element, context) })];
}

/** A pc has one; on a q35 it is a device, and takes the boot order of its drives. */
function floppyController(_: Element, context: GuestContext): Part[] {
  const boots = context
    .all("disk")
    .filter((disk) => disk.attribute("device") === "floppy")
    .flatMap((disk): [string, number][] => {
      const index = context.bootIndex(disk);
      const letter = (number(disk.first("address"), "unit") ?? 0) === 0 ? "A" : "B";
      return index === undefined ? [] : [[`bootindex${letter}`, index]];
    });
  if (context.isQ35) return [device("isa-fdc", Object.fromEntries(boots))];
  return boots.map(([name, index]) => argument("-global", `isa-fdc.${name}=${index}`));
}

function virtioSerial(element: Element, context: GuestContext): Part[] {
  const properties: Properties = {
    ...virtioOptions(element),
    id: context.controllerId("virtio-serial", indexOf(element)),
    max_ports: number(element, "ports"),
    vectors: number(element, "vectors"),
    ...addressOf(element, context),
  };
  return [device(virtioDriver("virtio-serial", element), properties)];
}
