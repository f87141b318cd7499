import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { type Document, type Element, XmlError } from "../../../xml/index.ts";
import { isOwnAlias } from "../../domain-device.ts";

interface DeviceKind {
  /** In libvirt's messages. */
  readonly name: string;
  /** What can be done with it while the guest runs. */
  readonly live: readonly ("attach" | "detach" | "update")[];
  /** The same with a definition. */
  readonly config: readonly ("attach" | "detach" | "update")[];
}

const plugged = ["attach", "detach"] as const;
const all = ["attach", "detach", "update"] as const;

const characters: DeviceKind = { name: "chr", live: plugged, config: plugged };

const kinds: Readonly<Record<string, DeviceKind>> = {
  disk: { name: "disk", live: all, config: all },
  interface: { name: "interface", live: all, config: all },
  controller: { name: "controller", live: plugged, config: plugged },
  rng: { name: "rng", live: plugged, config: plugged },
  memory: { name: "memory", live: plugged, config: plugged },
  input: { name: "input", live: plugged, config: plugged },
  watchdog: { name: "watchdog", live: plugged, config: plugged },
  shmem: { name: "shmem", live: plugged, config: plugged },
  vsock: { name: "vsock", live: plugged, config: plugged },
  redirdev: { name: "redirdev", live: plugged, config: plugged },
  serial: characters,
  parallel: characters,
  console: characters,
  channel: characters,
  graphics: { name: "graphics", live: ["update"], config: ["update"] },
  hostdev: { name: "hostdev", live: [], config: plugged },
  sound: { name: "sound", live: [], config: plugged },
  lease: { name: "lease", live: [], config: plugged },
  filesystem: { name: "filesystem", live: [], config: plugged },
  memballoon: { name: "memballoon", live: [], config: [] },
  video: { name: "video", live: [], config: [] },
  hub: { name: "hub", live: [], config: [] },
  smartcard: { name: "smartcard", live: [], config: [] },
  nvram: { name: "nvram", live: [], config: [] },
  tpm: { name: "tpm", live: [], config: [] },
  panic: { name: "panic", live: [], config: [] },
  iommu: { name: "iommu", live: [], config: [] },
  audio: { name: "audio", live: [], config: [] },
  crypto: { name: "crypto", live: [], config: [] },
};

/** A device from its XML. Throws VirError. */
export function readDevice(read: () => Document): Element {
  const root = rootOf(read);
  if (!Object.hasOwn(kinds, root.name)) {
    throw VirError.of(ErrorCode.configUnsupported, ErrorDomain.domain, `unknown device type '${root.name}'`);
  }
  if (root.name === "disk" && root.first("target")?.attribute("dev") === undefined) {
    throw new VirError("missing target information", { code: ErrorCode.noTarget, domain: ErrorDomain.domain });
  }
  // Names of libvirt's own choice are not the caller's to give.
  const alias = root.first("alias");
  if (alias !== undefined && !isOwnAlias(alias.attribute("name")))
    root.children.splice(root.children.indexOf(alias), 1);
  return root;
}

function rootOf(read: () => Document): Element {
  try {
    return read().root.clone();
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const detail = `(device_definition):${error.line}: ${error.message}\n${error.excerpt}`;
    throw VirError.of(ErrorCode.xmlDetail, ErrorDomain.domain, detail, error);
  }
}

/** Throws VirError for what cannot be done with such a device, as libvirt's QEMU driver has it. */
export function checkPossible(
  { name }: Element,
  place: "live" | "config",
  action: "attach" | "detach" | "update",
): void {
  const kind = kinds[name];
  if (kind?.[place].includes(action) === true) return;
  const detail = `${place === "live" ? "live" : "persistent"} ${action} of device '${kind?.name ?? name}' is not supported`;
  const code = place === "live" && action === "update" ? ErrorCode.configUnsupported : ErrorCode.operationUnsupported;
  throw VirError.of(code, ErrorDomain.qemu, detail);
}

/** Every device of a definition, by its name in QEMU. */
export function deviceByAlias(devices: Element | undefined, alias: string): Element | undefined {
  return devices
    ?.elements()
    .find((each) => Object.hasOwn(kinds, each.name) && each.first("alias")?.attribute("name") === alias);
}
