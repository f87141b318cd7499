import { Element } from "../../xml/index.ts";
import type { HostFiles } from "../host-files.ts";
import { type DeviceKind, deviceName } from "./device-kind.ts";
import { linksOf } from "./pci-links.ts";
import { PciNames } from "./pci-names.ts";

const directory = "/sys/bus/pci/devices";
/** What PCI has without Express. */
const plainConfigSize = 256;
const headerTypes: Readonly<Record<number, string>> = { 1: "pci-bridge", 2: "cardbus-bridge" };

/** What is plugged into PCI, and the bridges between. */
export function pciDevices(files: HostFiles): DeviceKind {
  const names = new PciNames(files);
  return {
    capability: "pci",
    directory,
    find: async (path) => ({ name: deviceName("pci", nameOf(path)), path }),
    describe: async ({ path }) => {
      const [functions, group, node, config] = await Promise.all([
        functionElements(files, path),
        groupElement(files, path),
        numaElement(files, path),
        configElements(files, path),
      ]);
      return [
        ...(await identity(files, names, path)),
        ...functions,
        ...config.header,
        ...group,
        ...node,
        ...config.express,
      ];
    },
  };
}

async function identity(files: HostFiles, names: PciNames, path: string): Promise<Element[]> {
  const read = async (file: string): Promise<string> => (await files.text(`${path}/${file}`)) ?? "0x0000";
  const [deviceClass, product, vendor] = await Promise.all([read("class"), read("device"), read("vendor")]);
  const known = await names.find(vendor.slice(2), product.slice(2));
  const { domain, bus, slot, function: own } = addressOf(nameOf(path));
  const numbers = Object.entries({ domain, bus, slot, function: own });
  return [
    Element.leaf("class", deviceClass),
    ...numbers.map(([name, value]) => Element.leaf(name, String(value))),
    named("product", product, known.product),
    named("vendor", vendor, known.vendor),
  ];
}

function named(element: string, id: string, name: string | undefined): Element {
  return name === undefined ? new Element(element, { id }) : Element.leaf(element, name, { id });
}

/** The one that a virtual function is of, or the virtual ones that a physical function has or could have. */
async function functionElements(files: HostFiles, path: string): Promise<Element[]> {
  const elements: Element[] = [];
  const physical = await files.target(`${path}/physfn`);
  if (physical !== undefined)
    elements.push(new Element("capability", { type: "phys_function" }, [addressElement(nameOf(physical))]));
  const limit = await files.text(`${path}/sriov_totalvfs`);
  if (limit === undefined) return elements;
  const links = (await files.names(path)).filter((name) => /^virtfn\d+$/.test(name));
  links.sort((one, other) => Number(one.slice(6)) - Number(other.slice(6)));
  const targets = await Promise.all(links.map((link) => files.target(`${path}/${link}`)));
  const addresses = targets.flatMap((target) => (target === undefined ? [] : [addressElement(nameOf(target))]));
  elements.push(new Element("capability", { type: "virt_functions", maxCount: limit }, addresses));
  return elements;
}

/** What can be given away together only. */
async function groupElement(files: HostFiles, path: string): Promise<Element[]> {
  const group = await files.target(`${path}/iommu_group`);
  if (group === undefined) return [];
  const members = await files.names(`${group}/devices`);
  return [new Element("iommuGroup", { number: nameOf(group) }, members.map(addressElement))];
}

async function numaElement(files: HostFiles, path: string): Promise<Element[]> {
  const node = await files.text(`${path}/numa_node`);
  return node === undefined || Number(node) < 0 ? [] : [new Element("numa", { node })];
}

/** What its configuration space says; others than root see the first 64 bytes of it. */
async function configElements(files: HostFiles, path: string): Promise<{ header: Element[]; express: Element[] }> {
  const size = (await files.size(`${path}/config`)) ?? 0;
  const config = (await files.beginning(`${path}/config`, plainConfigSize)) ?? Buffer.alloc(0);
  const type = headerTypes[(config[0x0e] ?? 0) & 0x7f];
  const links = linksOf(config).map(({ validity, port, speed, width }) => {
    const numbers = {
      ...(port === undefined ? {} : { port: String(port) }),
      ...(speed === undefined ? {} : { speed }),
    };
    return new Element("link", { validity, ...numbers, width: String(width) });
  });
  return {
    header: type === undefined ? [] : [new Element("capability", { type })],
    express: size > plainConfigSize ? [new Element("pci-express", {}, links)] : [],
  };
}

/** Of "0000:00:02.0". */
function addressOf(name: string) {
  const [domain = 0, bus = 0, slot = 0, own = 0] = name.split(/[:.]/).map((part) => Number.parseInt(part, 16));
  return { domain, bus, slot, function: own };
}

function addressElement(name: string): Element {
  const { domain, bus, slot, function: own } = addressOf(name);
  const hex = (value: number, digits: number): string => `0x${value.toString(16).padStart(digits, "0")}`;
  return new Element("address", {
    domain: hex(domain, 4),
    bus: hex(bus, 2),
    slot: hex(slot, 2),
    function: hex(own, 1),
  });
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
