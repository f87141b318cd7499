import { ErrorCode, ErrorDomain, type ObjectEvent, ObjectLifecycle, VirError } from "../../../protocol/index.ts";
import { Element, writeXml } from "../../../xml/index.ts";
import { readRoot } from "../../objects/object-xml.ts";
import { worded } from "../../objects/worded.ts";

/** A device of the host. */
export interface NodeDevice {
  readonly name: string;
  /** The name of the device that it hangs on; null for the computer. */
  readonly parent: string | null;
  /** What it can do, in libvirt's words for lists. */
  readonly capabilities: ReadonlySet<string>;
  readonly xml: string;
  readonly root: Element;
}

const schema = {
  root: "device",
  domain: ErrorDomain.nodedev,
  place: "node_device_definition",
};

/** A new virtual adapter is a copy of the first of these, and has the name of the second. */
const pattern = "scsi_host11";
const copy = "scsi_host12";

const { created, deleted } = ObjectLifecycle.nodeDevice;

/** Devices of the host, of which none is there. */
export class NodeDevices {
  readonly #tell: (event: ObjectEvent) => void;
  readonly #byName = new Map<string, NodeDevice>();

  constructor(texts: readonly string[], tell: (event: ObjectEvent) => void) {
    this.#tell = tell;
    for (const xml of texts) this.#add(readRoot(xml, schema));
  }

  get all(): readonly NodeDevice[] {
    return [...this.#byName.values()];
  }

  /** Throws VirError. */
  byName(name: string): NodeDevice {
    const found = this.#byName.get(name);
    if (found !== undefined) return found;
    const detail = `no node device with matching name '${name}'`;
    throw worded(ErrorCode.noNodeDevice, ErrorDomain.test, "Node device not found", detail);
  }

  /** Makes a virtual adapter; all that it takes of the XML is its names. Throws VirError. */
  create(xml: string): NodeDevice {
    const names = readNames(readRoot(xml, schema), this);
    const root = this.#byName.get(pattern)?.root.clone();
    if (root === undefined) {
      // libvirt's own fails without saying why.
      const message = "An error occurred, but the cause is unknown";
      throw new VirError(message, { code: ErrorCode.internalError, domain: ErrorDomain.none, int1: 0, int2: 0 });
    }
    root.first("name")?.setText(copy);
    for (const [key, value] of Object.entries(names)) channelOf(root)?.first(key)?.setText(value);
    const device = this.#add(root);
    this.#report(device, created);
    return device;
  }

  /** Nothing happens to what hangs on nothing. */
  destroy(name: string): void {
    const device = this.byName(name);
    if (device.parent === null) return;
    this.#report(device, deleted);
    this.#byName.delete(name);
  }

  #add(root: Element): NodeDevice {
    const name = root.first("name")?.text ?? "";
    const parent = root.first("parent")?.text ?? null;
    const device = { name, parent, capabilities: capabilitiesOf(root), xml: writeXml(root), root };
    this.#byName.set(name, device);
    return device;
  }

  #report({ name }: NodeDevice, event: number): void {
    this.#tell({ name: "nodeDeviceEventLifecycle", dev: { name }, event, detail: 0 });
  }
}

function capabilitiesOf(root: Element): ReadonlySet<string> {
  const own = root.all("capability");
  const inner = own.flatMap((each) => each.all("capability"));
  const types = [...own, ...inner].map((each) => each.attribute("type") ?? "");
  return new Set(types.map((type) => (type === "vport_ops" ? "vports" : type)));
}

/** The part about Fibre Channel. */
function channelOf(root: Element): Element | undefined {
  const adapter = root.all("capability").find((each) => each.attribute("type") === "scsi_host");
  return adapter?.all("capability").find((each) => each.attribute("type") === "fc_host");
}

function readNames(root: Element, devices: NodeDevices): { readonly wwnn: string; readonly wwpn: string } {
  if (root.first("capability") === undefined) throw failure("no device capabilities for 'new device'");
  const channel = channelOf(root);
  if (channel === undefined) throw failure("Device is not a fibre channel HBA");
  const [wwnn, wwpn] = ["wwnn", "wwpn"].map((key) => channel.first(key)?.text);
  if (wwnn === undefined) throw failure("no WWNN supplied for 'new device', and auto-generation failed");
  if (wwpn === undefined) throw failure("no WWPN supplied for 'new device', and auto-generation failed");
  const parent = root.first("parent")?.text ?? "";
  if (parent !== "" && !devices.all.some(({ name }) => name === parent))
    throw failure("Could not find parent device for 'new device'");
  return { wwnn, wwpn };
}

function failure(detail: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.nodedev, detail);
}
