import { Element } from "../../xml/index.ts";
import { diskNumber, driveAddress, driveController } from "../drive-places.ts";

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
    const [name = "", prefix = ""] =
      /^(hd|sd|vd|fd|xvd)[a-z]+$/.exec(disk.first("target")?.attribute("dev") ?? "") ?? [];
    const target = disk.first("target");
    const bus = target?.attribute("bus") ?? buses[prefix] ?? "";
    if (disk.attribute("type") === undefined) disk.setAttribute("type", "file");
    if (disk.attribute("device") === undefined) disk.setAttribute("device", "disk");
    target?.setAttribute("bus", bus);
    if (disk.attribute("device") === "cdrom" && disk.first("readonly") === undefined)
      disk.children.push(new Element("readonly"));
    const number = diskNumber(name);
    const controller = number === undefined ? undefined : driveController(bus, number);
    if (number === undefined || controller === undefined) continue;
    const address = disk.first("address") ?? driveAddress(bus, number);
    if (disk.first("address") === undefined && address !== undefined) disk.children.push(address);
    addController(bus, Number(address?.attribute("controller") ?? controller));
  }
}
