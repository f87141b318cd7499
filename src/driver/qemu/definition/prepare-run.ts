import { join } from "node:path";
import type { Definition } from "../../../model/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../../protocol/index.ts";
import { Element } from "../../../xml/index.ts";
import { arrangeDomain } from "../../domain-places.ts";
import { ensure, setDefault } from "../../objects/element-edit.ts";
import { virtiofsdPath } from "../binary.ts";
import { nameDevices } from "./aliases.ts";
import { describeImages } from "./backing-chain.ts";
import { chooseFirmware } from "./firmware.ts";
import { machineType } from "./machine-type.ts";
import { orderVcpus } from "./vcpu-states.ts";

/** What a definition needs to know of the run that it is prepared for. */
export interface RunFacts {
  /** Where the sockets of channels are that say no place, of this guest alone. */
  readonly channelDirectory: string;
  /** Where guests with UEFI keep their variables. */
  readonly nvramDirectory: string;
  /** A TCP port from there on that nobody has, and that is not given away again until the guest has it. */
  readonly freePort: (first: number) => Promise<number>;
}

const firstPort = { vnc: 5_900, spice: 5_900, websocket: 5_700 } as const;

/**
 * The definition of a run, from the one that it is started with: names of devices, images and what they stand on, ports,
 * sockets and firmware, as `virsh dumpxml` of a running domain shows them. What is known only when QEMU runs, such as
 * its pseudo-terminals, comes later. Rejects with VirError.
 */
export async function prepareRun(definition: Definition, facts: RunFacts): Promise<Definition> {
  const root = definition.root.clone();
  const machine = machineType(root);
  const devices = ensure(root, "devices");
  await chooseFirmware(root, machine, join(facts.nvramDirectory, `${definition.name}_VARS.fd`));
  settleClock(root);
  orderVcpus(root);
  nameDevices(devices, machine);
  for (const disk of devices.all("disk")) settleDrive(disk);
  await describeImages(devices);
  for (const channel of devices.all("channel")) settleChannel(channel, facts.channelDirectory);
  settleSockets(devices);
  for (const filesystem of devices.all("filesystem")) settleFilesystem(filesystem);
  for (const graphics of devices.all("graphics")) await settlePorts(graphics, facts.freePort);
  return definition.with((copy) => {
    copy.children.splice(0, copy.children.length, ...root.children);
    arrangeDomain(copy);
  });
}

/** The guest's clock is told as an offset to UTC. */
function settleClock(root: Element): void {
  const clock = root.first("clock");
  if (clock?.attribute("offset") !== "variable" || clock.attribute("basis") !== "localtime") return;
  const adjustment = Number(clock.attribute("adjustment") ?? 0) - new Date().getTimezoneOffset() * 60;
  clock.setAttribute("adjustment", String(adjustment));
  clock.setAttribute("basis", "utc");
}

/** A tray is closed at start, and an empty drive has no format. */
function settleDrive(disk: Element): void {
  disk.first("target")?.removeAttribute("tray");
  if (disk.first("source") === undefined) disk.first("driver")?.removeAttribute("type");
}

/** A channel's socket has a place in that directory unless it says its own. Throws VirError. */
export function settleChannel(channel: Element, directory: string): void {
  const target = channel.first("target");
  if (target?.attribute("type") !== "virtio") return;
  target.setAttribute("state", "disconnected");
  const name = target.attribute("name");
  if (channel.attribute("type") !== "unix" || name === undefined) return;
  const source = ensure(channel, "source");
  setDefault(source, "mode", "bind");
  if (source.attribute("path") !== undefined) return;
  const path = join(directory, name);
  // Nobody's name for a channel leads out of the directory.
  if (name.includes("/") || name === "." || name === "..") throw wrongName(name);
  source.setAttribute("path", path);
}

/** Who serves it is shown, where that is ours to start. */
function settleFilesystem(filesystem: Element): void {
  const isVirtiofs = filesystem.first("driver")?.attribute("type") === "virtiofs";
  if (isVirtiofs && filesystem.first("source")?.attribute("socket") === undefined)
    setDefault(ensure(filesystem, "binary"), "path", virtiofsdPath);
}

function wrongName(name: string): VirError {
  const detail = `the name '${name}' of a channel is no name for a socket: give a <source path='...'/>`;
  return VirError.of(ErrorCode.configUnsupported, ErrorDomain.qemu, detail);
}

function settleSockets(devices: Element): void {
  for (const name of ["serial", "parallel", "console", "channel", "redirdev", "smartcard"]) {
    for (const device of devices.all(name)) {
      if (device.attribute("type") !== "tcp") continue;
      const source = device.first("source");
      if (source !== undefined) setDefault(source, "tls", "no");
    }
  }
}

async function settlePorts(graphics: Element, freePort: RunFacts["freePort"]): Promise<void> {
  const type = graphics.attribute("type");
  const listen = graphics.first("listen");
  if ((type !== "vnc" && type !== "spice") || listen === undefined) return;
  if (!["address", "network"].includes(listen.attribute("type") ?? "")) return;
  setDefault(listen, "address", "127.0.0.1");
  graphics.setAttribute("listen", listen.attribute("address") ?? "");
  if (graphics.attribute("autoport") === "yes") {
    graphics.setAttribute("port", String(await freePort(firstPort[type])));
  }
  if (graphics.attribute("websocket") === "-1") {
    graphics.setAttribute("websocket", String(await freePort(firstPort.websocket)));
  }
}
