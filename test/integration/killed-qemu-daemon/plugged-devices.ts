import { writeFileSync } from "node:fs";
import type { Domain } from "../../../src/protocol/index.ts";
import type { Element } from "../../../src/xml/index.ts";
import { parseXml, writeXml } from "../../../src/xml/index.ts";
import type { DaemonClient } from "../killed-daemon/daemon-client.ts";

/** Something that can be plugged in, and taken away from a guest that does not help. */
interface Pluggable {
  readonly name: string;
  readonly xml: string;
  readonly find: (devices: Element) => Element | undefined;
}

export interface PluggingStep {
  readonly what: "attach" | "detach";
  readonly device: Pluggable;
  readonly xml: string;
}

/**
 * What one client has plugged into a guest and taken away, as far as that was confirmed for the present run; and whether
 * the definition of the run, its QEMU and that agree.
 */
export class PluggedDevices {
  readonly #dom: Domain;
  readonly #onFound: (sentence: string) => void;
  readonly #all: readonly Pluggable[];
  /** Confirmed, by name: whether it is there. */
  readonly #known = new Map<string, boolean>();

  /** `path` is of files that it makes; the guest has a controller for SCSI and one for virtio's serial ports. */
  constructor(dom: Domain, path: string, onFound: (sentence: string) => void) {
    this.#dom = dom;
    this.#onFound = onFound;
    this.#all = [disk("sdx", "scsi", path), disk("sdy", "usb", path), channel("org.virtwright.extra")];
  }

  /** The run has ended, or may have. */
  forget(): void {
    this.#known.clear();
  }

  /** What can be done with the run as it is. */
  async choose(client: DaemonClient, pick: (all: readonly Pluggable[]) => Pluggable): Promise<PluggingStep> {
    const device = pick(this.#all);
    const present = device.find(await this.#devices(client));
    if (present === undefined) return { device, what: "attach", xml: device.xml };
    // As it is shown: its socket is a part of what a channel is known by.
    return { device, what: "detach", xml: writeXml(present) };
  }

  /** Rejects as the call does; what becomes of it nobody knows until it is seen. */
  async take({ call }: DaemonClient, { what, device, xml }: PluggingStep): Promise<void> {
    this.#known.delete(device.name);
    const args = { dom: this.#dom, xml, flags: 1 };
    if (what === "attach") await call.domainAttachDeviceFlags(args);
    else await call.domainDetachDeviceFlags(args);
    this.#known.set(device.name, what === "attach");
  }

  /** Of a guest that runs. */
  async judge(client: DaemonClient): Promise<void> {
    const devices = await this.#devices(client);
    for (const { name, find } of this.#all) {
      const known = this.#known.get(name);
      if (known !== undefined && (find(devices) !== undefined) !== known)
        this.#say(`${name} ${known ? "was plugged in, and is not there" : "was taken away, and is there"}`);
    }
    this.#compare("devices", aliasesOf(devices), await this.#peripherals(client));
    this.#compare("images", imagesOf(devices), await this.#images(client));
    this.#compare("channels", channelsOf(devices), await this.#channels(client));
  }

  #compare(what: string, said: readonly string[], there: readonly string[]): void {
    const [left, right] = [said, there].map((each) => [...new Set(each)].sort().join(" "));
    if (left !== right) this.#say(`its definition has the ${what} ${left}, and its QEMU has ${right}`);
  }

  #say(sentence: string): void {
    this.#onFound(`${this.#dom.name}: ${sentence}`);
  }

  async #devices({ call }: DaemonClient): Promise<Element> {
    const { xml } = await call.domainGetXmlDesc({ dom: this.#dom, flags: 0 });
    const devices = parseXml(xml).root.first("devices");
    if (devices === undefined) throw new TypeError("a domain without devices");
    return devices;
  }

  async #ask({ monitor }: DaemonClient, execute: string, args: object = {}): Promise<Record<string, string>[]> {
    const cmd = JSON.stringify({ execute, arguments: args });
    const { result } = await monitor.domainMonitorCommand({ dom: this.#dom, cmd, flags: 0 });
    return JSON.parse(result).return;
  }

  /** Of those that may come and go. */
  async #peripherals(client: DaemonClient): Promise<string[]> {
    const children = await this.#ask(client, "qom-list", { path: "/machine/peripheral" });
    return children.map(({ name = "" }) => name).filter((name) => pluggable.test(name));
  }

  async #images(client: DaemonClient): Promise<string[]> {
    const nodes = await this.#ask(client, "query-named-block-nodes");
    return nodes.flatMap(({ "node-name": name = "" }) => /^libvirt-(\d+)-/.exec(name)?.[1] ?? []);
  }

  async #channels(client: DaemonClient): Promise<string[]> {
    const backends = await this.#ask(client, "query-chardev");
    return backends.flatMap(({ label = "" }) => /^charchannel\d+$/.exec(label) ?? []);
  }
}

const pluggable = /^(scsi\d+-|usb-disk|channel)/;

function aliasesOf(devices: Element): string[] {
  const all = [...devices.all("disk"), ...devices.all("channel")];
  return all.map((each) => each.first("alias")?.attribute("name") ?? "");
}

function imagesOf(devices: Element): string[] {
  return devices.all("disk").map((each) => each.first("source")?.attribute("index") ?? "none");
}

function channelsOf(devices: Element): string[] {
  return devices.all("channel").map((each) => `char${each.first("alias")?.attribute("name")}`);
}

function disk(target: string, bus: string, path: string): Pluggable {
  const file = `${path}-${target}.img`;
  writeFileSync(file, Buffer.alloc(65_536));
  return {
    name: `${bus} disk ${target}`,
    xml: `<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${file}'/>
      <target dev='${target}' bus='${bus}'/></disk>`,
    find: (devices) => devices.all("disk").find((each) => each.first("target")?.attribute("dev") === target),
  };
}

function channel(name: string): Pluggable {
  return {
    name: `channel ${name}`,
    xml: `<channel type='unix'><target type='virtio' name='${name}'/></channel>`,
    find: (devices) => devices.all("channel").find((each) => each.first("target")?.attribute("name") === name),
  };
}
