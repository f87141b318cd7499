import { ErrorCode, ErrorDomain } from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import type { HostFiles } from "../host-files.ts";
import { formatObject } from "../objects/object-xml.ts";
import { worded } from "../objects/worded.ts";

/** A network interface of this machine, as the kernel has it now. */
export interface HostInterface {
  readonly name: string;
  readonly mac: string;
  readonly isActive: boolean;
  /** Neither this nor active: nobody knows, as of the loopback interface. */
  readonly isDown: boolean;
  /** A guest's end of a line, or somebody else's: not the host's own. */
  readonly isTap: boolean;
}

const directory = "/sys/class/net";
/** What names guests' interfaces have, which are not shown as parts of a bridge. */
const guestName = /^vnet\d/;

/** Network interfaces of this machine, read anew whenever they are asked for. */
export class HostInterfaces {
  readonly #files: HostFiles;

  constructor(files: HostFiles) {
    this.#files = files;
  }

  /** Without those of guests. */
  async all(): Promise<HostInterface[]> {
    const found = await this.#readAll();
    return found.filter(({ isTap }) => !isTap);
  }

  /** Rejects with VirError, as the next ones. */
  async byName(name: string): Promise<HostInterface> {
    const found = await this.#read(name);
    if (found === undefined) throw missed(`couldn't find interface named '${name}'`);
    return found;
  }

  /** The address is written as the kernel writes it. */
  async byMac(mac: string): Promise<HostInterface> {
    const [found, another] = (await this.#readAll()).filter((each) => each.mac === mac);
    if (found === undefined) throw missed(`couldn't find interface with MAC address '${mac}'`);
    if (another === undefined) return found;
    const detail = `the MAC address '${mac}' matches multiple interfaces`;
    throw worded(ErrorCode.multipleInterfaces, ErrorDomain.interface, "multiple matching interfaces found", detail);
  }

  async describe(name: string): Promise<string> {
    await this.byName(name);
    return formatObject(await this.#element(name), { opened: ["bridge", "bond", "vlan"] });
  }

  async #readAll(): Promise<HostInterface[]> {
    const names = await this.#files.names(directory);
    const found = await Promise.all(names.map((name) => this.#read(name)));
    return found.filter((each) => each !== undefined);
  }

  async #read(name: string): Promise<HostInterface | undefined> {
    // A name comes from a client: it must not lead elsewhere.
    if (name === "" || name.includes("/") || name.startsWith(".")) return undefined;
    const read = (file: string): Promise<string | undefined> => this.#files.text(`${directory}/${name}/${file}`);
    const [mac, state, tap] = await Promise.all([read("address"), read("operstate"), read("tun_flags")]);
    if (mac === undefined) return undefined;
    return { name, mac, isActive: state === "up", isDown: state === "down", isTap: tap !== undefined };
  }

  async #element(name: string): Promise<Element> {
    const path = `${directory}/${name}`;
    const type = (await this.#files.properties(`${path}/uevent`)).get("DEVTYPE") ?? "";
    const children = [new Element("mtu", { size: (await this.#files.text(`${path}/mtu`)) ?? "0" })];
    if (type === "bridge") children.push(await this.#bridge(path));
    else if (type === "vlan") children.push(await this.#vlan(name));
    else {
      children.push(await linkElement(this.#files, path));
      children.push(new Element("mac", { address: (await this.#files.text(`${path}/address`)) ?? "" }));
    }
    const shown = type === "bridge" || type === "vlan" ? type : "ethernet";
    return new Element("interface", { type: shown, name }, children);
  }

  async #bridge(path: string): Promise<Element> {
    const [stp, delay] = await Promise.all([
      this.#files.text(`${path}/bridge/stp_state`),
      this.#files.text(`${path}/bridge/forward_delay`),
    ]);
    const members = (await this.#files.names(`${path}/brif`)).filter((name) => !guestName.test(name));
    const parts = await Promise.all(members.map((name) => this.#element(name)));
    return new Element("bridge", { stp: stp === "0" ? "off" : "on", delay: delay ?? "0" }, parts);
  }

  /** The kernel tells in a file what tag it has, and on what it stands. */
  async #vlan(name: string): Promise<Element> {
    const text = (await this.#files.text(`/proc/net/vlan/${name}`)) ?? "";
    const tag = /VID: (\d+)/.exec(text)?.[1] ?? "";
    const device = /^Device: (\S+)/m.exec(text)?.[1] ?? "";
    return new Element("vlan", { tag }, [new Element("interface", { name: device })]);
  }
}

/** Whether there is a carrier and, if so, how fast it is; `path` is the interface's directory. */
export async function linkElement(files: HostFiles, path: string): Promise<Element> {
  const state = (await files.text(`${path}/operstate`)) ?? "unknown";
  const speed = state === "up" ? Number(await files.text(`${path}/speed`)) : 0;
  // -1 says that nobody knows; libvirt shows it without its sign.
  return new Element("link", speed === 0 || Number.isNaN(speed) ? { state } : { speed: String(speed >>> 0), state });
}

function missed(detail: string) {
  return worded(ErrorCode.noInterface, ErrorDomain.interface, "Interface not found", detail);
}
