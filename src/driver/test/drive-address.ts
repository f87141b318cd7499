import { Element } from "../../xml/index.ts";

/** How many drives hang on a controller of each kind, and on each of its buses. */
const drives: Readonly<Record<string, { readonly perController: number; readonly perBus: number }>> = {
  ide: { perController: 4, perBus: 2 },
  scsi: { perController: 7, perBus: 7 },
  sata: { perController: 6, perBus: 6 },
  fdc: { perController: 2, perBus: 2 },
};

/** Buses that follow from a disk's name. */
const buses: Readonly<Record<string, string>> = { hd: "ide", sd: "scsi", vd: "virtio", fd: "fdc", xvd: "xen" };

/** Gives each disk its type, device and bus, drives an address by their name, and the controllers they need. */
export function addDriveAddresses(devices: Element): void {
  const controllers = new Set(
    devices.all("controller").map((each) => `${each.attribute("type")} ${Number(each.attribute("index") ?? 0)}`),
  );
  const addController = (type: string, index: number): void => {
    const key = `${type} ${index}`;
    if (!controllers.has(key)) devices.children.push(new Element("controller", { type, index: String(index) }));
    controllers.add(key);
  };
  for (const disk of devices.all("disk")) {
    const [, prefix = "", letters = ""] =
      /^(hd|sd|vd|fd|xvd)([a-z]+)$/.exec(disk.first("target")?.attribute("dev") ?? "") ?? [];
    const target = disk.first("target");
    const bus = target?.attribute("bus") ?? buses[prefix] ?? "";
    if (disk.attribute("type") === undefined) disk.setAttribute("type", "file");
    if (disk.attribute("device") === undefined) disk.setAttribute("device", "disk");
    target?.setAttribute("bus", bus);
    if (disk.attribute("device") === "cdrom" && disk.first("readonly") === undefined)
      disk.children.push(new Element("readonly"));
    const kind = drives[bus];
    if (kind === undefined || letters === "") continue;
    const index = indexOf(letters);
    const controller = Math.floor(index / kind.perController);
    if (disk.first("address") === undefined) disk.children.push(addressOf(index, controller, kind));
    addController(bus, Number(disk.first("address")?.attribute("controller") ?? controller));
  }
}

function addressOf(
  index: number,
  controller: number,
  { perController, perBus }: { perController: number; perBus: number },
): Element {
  const place = index % perController;
  const numbers = { controller, bus: Math.floor(place / perBus), target: 0, unit: place % perBus };
  const attributes = Object.entries(numbers).map(([name, value]) => [name, String(value)] as const);
  return new Element("address", { type: "drive", ...Object.fromEntries(attributes) });
}

/** a is 0, z is 25, aa is 26. */
function indexOf(letters: string): number {
  let index = 0;
  for (const letter of letters) index = index * 26 + (letter.charCodeAt(0) - "a".charCodeAt(0) + 1);
  return index - 1;
}
