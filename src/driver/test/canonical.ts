import { Definition } from "../../model/index.ts";
import { Element, type Pause, shortLength } from "../../xml/index.ts";
import { writeWithMetadata } from "../objects/metadata-text.ts";
import { arrange, placesOf } from "../objects/xml-places.ts";
import { addDriveAddresses } from "./drive-address.ts";
import { completeIoThreadIds } from "./io-thread-list.ts";

/** In which order libvirt shows the parts of an element; what is not named keeps its place behind them. */
const orders: Readonly<Record<string, readonly string[]>> = {
  domain: (
    "name uuid genid title description metadata maxMemory memory currentMemory blkiotune memtune memoryBacking vcpu " +
    "vcpus iothreads iothreadids cputune numatune resource sysinfo bootloader bootloader_args os idmap features cpu " +
    "clock on_poweroff on_reboot on_crash on_lockfailure pm perf devices seclabel launchSecurity"
  ).split(" "),
  os: "type init initarg initenv initdir inituser initgroup loader nvram kernel initrd cmdline dtb boot bootmenu".split(
    " ",
  ),
  devices: (
    "emulator disk controller lease filesystem interface smartcard serial parallel console channel input tpm graphics " +
    "sound audio video hostdev redirdev redirfilter hub watchdog memballoon rng nvram panic shmem memory iommu vsock"
  ).split(" "),
  cputune: (
    "shares period quota global_period global_quota emulator_period emulator_quota iothread_period iothread_quota " +
    "vcpupin emulatorpin iothreadpin vcpusched iothreadsched emulatorsched"
  ).split(" "),
  iotune: (
    "total_bytes_sec read_bytes_sec write_bytes_sec total_iops_sec read_iops_sec write_iops_sec total_bytes_sec_max " +
    "read_bytes_sec_max write_bytes_sec_max total_iops_sec_max read_iops_sec_max write_iops_sec_max size_iops_sec " +
    "group_name total_bytes_sec_max_length read_bytes_sec_max_length write_bytes_sec_max_length " +
    "total_iops_sec_max_length read_iops_sec_max_length write_iops_sec_max_length"
  ).split(" "),
  blkiotune: ["weight", "device"],
  device: "path weight read_iops_sec write_iops_sec read_bytes_sec write_bytes_sec".split(" "),
  memtune: ["hard_limit", "soft_limit", "min_guarantee", "swap_hard_limit"],
  bandwidth: ["inbound", "outbound"],
  disk: (
    "auth driver source backingStore mirror target iotune readonly shareable transient serial wwn vendor product " +
    "encryption boot alias address"
  ).split(" "),
  interface: (
    "mac source backend virtualport portgroup vlan ip bandwidth target guest model driver filterref boot rom mtu link " +
    "alias address"
  ).split(" "),
};

const attributeOrders: Readonly<Record<string, readonly string[]>> = {
  vcpu: ["placement", "cpuset", "current"],
  type: ["arch", "machine"],
  disk: ["type", "device"],
  inbound: ["average", "peak", "floor", "burst"],
};

const places = placesOf(orders);
const attributePlaces = placesOf(attributeOrders);

/** Reads a definition and brings it to libvirt's form. Throws VirError. */
export function parseDefinition(xml: string): Definition {
  return Definition.parse(xml, canonical);
}

/** As `parseDefinition`, at once when the text is short, else with pauses. */
export function readDefinition<T>(xml: string, pause: Pause, use: (definition: Definition) => T): T | Promise<T> {
  if (xml.length <= shortLength) return use(parseDefinition(xml));
  return Definition.parseWithPauses(xml, pause, canonical).then(use);
}

/** A definition that is part of another document. */
export function definitionOf(root: Element): Definition {
  return Definition.of(root, canonical);
}

/** Another definition, changed by `edit`. */
export function changed(definition: Definition, edit: (root: Element) => void): Definition {
  return definition.with(edit, canonical);
}

/**
 * What libvirt's test hypervisor makes of a definition: parts in its order, defaults and drive addresses filled in.
 * Unknown elements stay.
 */
function canonical(root: Element, { osType }: Definition): void {
  root.removeAttribute("id");
  fillDefaults(root, osType);
  completeIoThreadIds(root);
  const devices = root.first("devices");
  if (devices !== undefined) addDriveAddresses(devices);
  arrangeDomain(root);
}

function fillDefaults(root: Element, osType: string): void {
  const os = root.first("os");
  const type = os?.first("type");
  if (type?.attribute("arch") === undefined) type?.setAttribute("arch", "i686");
  if (osType === "hvm" && os?.first("boot") === undefined) os?.children.push(new Element("boot", { dev: "hd" }));
  if (root.first("clock") === undefined) root.children.push(new Element("clock", { offset: "utc" }));
  const actions = { on_poweroff: "destroy", on_reboot: "restart", on_crash: "destroy" };
  for (const [name, action] of Object.entries(actions)) {
    if (root.first(name) === undefined) root.children.push(Element.leaf(name, action));
  }
  if (root.first("devices") === undefined) root.children.push(new Element("devices"));
  const vcpu = root.first("vcpu");
  if (vcpu?.attribute("current") === vcpu?.text.trim()) vcpu?.removeAttribute("current");
}

/** As `virsh dumpxml` shows it; `id` is that of the running domain. An empty list of devices takes two lines. */
export function formatDefinition({ root }: Definition, id?: number): string {
  const attributes = id === undefined ? root.attributes : [...root.attributes, { name: "id", value: String(id) }];
  return writeWithMetadata(new Element(root.name, attributes, root.children, root.uri), (text) =>
    text.replace("  <devices/>\n", "  <devices>\n  </devices>\n"),
  );
}

/** Puts what is in a domain, or a part of it, into libvirt's order. */
export function arrangeDomain(element: Element): void {
  arrange(element, places, attributePlaces);
}
