import { ErrorCode, ErrorDomain } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import type { HostFiles } from "../host-files.ts";
import { formatObject } from "../objects/object-xml.ts";
import { worded } from "../objects/worded.ts";
import type { DeviceKind, FoundDevice, HostDevice } from "./device-kind.ts";
import { type FeaturesOf, netDevices } from "./net-device.ts";
import { pciDevices } from "./pci-device.ts";
import { storageDevices } from "./storage-device.ts";
import { describeSystem } from "./system-device.ts";
import { usbDevices, usbInterfaces } from "./usb-device.ts";

const computer: HostDevice = { name: "computer", path: "", parent: null, capability: "system" };

/** The devices of this machine, as the kernel lists them. */
export class HostDevices {
  readonly #files: HostFiles;
  readonly #kinds: readonly DeviceKind[];
  /** Of the last look; a device is asked for again and again, and mostly still there. */
  #known: ReadonlyMap<string, HostDevice> = new Map();

  constructor(files: HostFiles, featuresOf: FeaturesOf) {
    this.#files = files;
    this.#kinds = [
      pciDevices(files),
      usbDevices(files),
      usbInterfaces(files),
      storageDevices(files),
      netDevices(files, featuresOf),
    ];
  }

  /** All that there are now, the machine itself first. */
  async all(): Promise<HostDevice[]> {
    const found = await Promise.all(this.#kinds.map((kind) => this.#find(kind)));
    const byPath = new Map(found.flat().map((each) => [each.path, each]));
    const devices = [...byPath.values()].map((each) => ({ ...each, parent: parentOf(each.path, byPath) }));
    const all = [computer, ...devices];
    this.#known = new Map(all.map((each) => [each.name, each]));
    return all;
  }

  /** Rejects with VirError. */
  async byName(name: string): Promise<HostDevice> {
    const known = this.#known.get(name);
    if (known !== undefined && (known.path === "" || (await this.#files.exists(known.path)))) return known;
    const found = (await this.all()).find((each) => each.name === name);
    if (found !== undefined) return found;
    const detail = `no node device with matching name '${name}'`;
    throw worded(ErrorCode.noNodeDevice, ErrorDomain.nodedev, "Node device not found", detail);
  }

  /** Its XML. */
  async describe(device: HostDevice): Promise<string> {
    const { name, path, parent, capability, node } = device;
    const kind = this.#kinds.find((each) => each.capability === capability);
    const inside = (await kind?.describe(device)) ?? (await describeSystem(this.#files));
    const driver = path === "" ? undefined : await this.#files.target(`${path}/driver`);
    const leaf = (element: string, value: string | null | undefined): Element[] =>
      value === undefined || value === null || value === "" ? [] : [Element.leaf(element, value)];
    const nodes = node === undefined ? [] : [Element.leaf("devnode", node.path, { type: "dev" })];
    const links = node?.links.map((link) => Element.leaf("devnode", link, { type: "link" })) ?? [];
    const drivers = leaf("name", driver?.slice(driver.lastIndexOf("/") + 1));
    return formatObject(
      new Element("device", {}, [
        Element.leaf("name", name),
        ...leaf("path", path),
        ...nodes,
        ...links,
        ...leaf("parent", parent),
        ...(drivers.length === 0 ? [] : [new Element("driver", {}, drivers)]),
        new Element("capability", { type: capability }, inside),
      ]),
      { opened: ["firmware"] },
    );
  }

  async #find(kind: DeviceKind): Promise<(FoundDevice & { readonly capability: string })[]> {
    const names = await this.#files.names(kind.directory);
    const found = await Promise.all(
      names.map(async (name) => {
        const path = await this.#files.target(`${kind.directory}/${name}`);
        return path === undefined ? undefined : kind.find(path);
      }),
    );
    return found.flatMap((each) => (each === undefined ? [] : [{ ...each, capability: kind.capability }]));
  }
}

/** The next one up the tree that is a device to libvirt. */
function parentOf(path: string, byPath: ReadonlyMap<string, FoundDevice>): string {
  for (let up = path.lastIndexOf("/"); up > 0; up = path.lastIndexOf("/", up - 1)) {
    const parent = byPath.get(path.slice(0, up));
    if (parent !== undefined) return parent.name;
  }
  return computer.name;
}
