import { randomBytes } from "node:crypto";
import type { Loop } from "../../event/index.ts";
import {
  ErrorCode,
  ErrorDomain,
  type ObjectEvent,
  ObjectLifecycle,
  VirError,
  type Network as WireNetwork,
} from "../../protocol/index.ts";
import { Element } from "../../xml/index.ts";
import { HostObject, isThere } from "../objects/host-object.ts";
import type { HostObjectRecords } from "../objects/host-object-records.ts";
import type { ObjectDefinition } from "../objects/managed-object.ts";
import { ObjectSet } from "../objects/object-set.ts";
import { fillChild } from "../objects/object-xml.ts";
import type { Patience } from "../objects/patience.ts";
import type { Lease } from "./leases.ts";
import { changedNetwork, formatNetwork, parseNetwork } from "./network-definition.ts";
import type { NetworkMachine } from "./network-machine.ts";
import { hasOwnBridge, macOf, planOf } from "./network-plan.ts";
import type { NetworkRuns } from "./network-runs.ts";
import { changesOf, type NetworkUpdate } from "./network-update.ts";

export type HostNetwork = HostObject<ObjectDefinition>;

export interface NetworksOptions {
  readonly loop: Loop;
  readonly machine: NetworkMachine;
  readonly records: HostObjectRecords;
  readonly runs: NetworkRuns;
  readonly tell: (event: ObjectEvent) => void;
  /** Hears of what has gone wrong where nobody waits for an answer. */
  readonly report: (error: unknown) => void;
}

interface Taken {
  readonly devices: ReadonlySet<string>;
  readonly foreign: ReadonlySet<string>;
}

const { defined, undefined: removed, started, stopped } = ObjectLifecycle.network;

/**
 * The networks of this machine, and what happens to them: every change of a network's life is made and told here.
 *
 *     open -> closed
 *
 * close: open -> closed; idempotent. Networks run on, and the next daemon finds them.
 */
export class Networks {
  readonly #options: NetworksOptions;
  readonly #set = new ObjectSet<HostNetwork>({
    noun: "network",
    longNoun: "network",
    missing: "Network not found",
    code: ErrorCode.noNetwork,
    owner: ErrorDomain.network,
    domain: ErrorDomain.network,
  });
  readonly #underWay = new Set<Promise<unknown>>();
  #closed = false;

  constructor(options: NetworksOptions) {
    this.#options = options;
  }

  /** Without those that are about to be. */
  get all(): readonly HostNetwork[] {
    return [...this.#set].filter(isThere);
  }

  /** Throws VirError, as the next one. */
  byName(name: string): HostNetwork {
    return this.#set.byName(name, isThere);
  }

  byUuid({ uuid, name }: { readonly uuid: string; readonly name?: string }): HostNetwork {
    return this.#set.byUuid(uuid, name, isThere);
  }

  /** Takes up what is defined, and what runs. */
  async load(): Promise<void> {
    const { loop, records, runs } = this.#options;
    for (const { uuid, xml, autostart } of await records.load()) {
      await this.#attempt(uuid, async () => {
        const definition = parseNetwork(xml);
        const network = this.#set.claim(definition) ?? this.#set.add(new HostObject(loop, definition));
        network.config = definition;
        network.autostart = autostart;
      });
    }
    for (const record of await runs.load()) {
      await this.#attempt(record.uuid, async () => {
        const definition = parseNetwork(record.xml);
        const network = this.#set.claim(definition) ?? this.#set.add(new HostObject(loop, definition));
        if (await runs.adopt(record, definition)) network.live = definition;
        else if (!network.persistent) this.#set.remove(network);
      });
    }
  }

  /** Starts those that are to run whenever the machine does; what fails is reported. */
  async startMarked(): Promise<void> {
    for (const network of this.all) {
      if (network.autostart && !network.isActive) await this.#attempt(network.name, () => this.start(network, {}));
    }
  }

  /** Rejects with VirError, as all that follow. */
  async define(xml: string, patience: Patience): Promise<WireNetwork> {
    const given = parseNetwork(xml);
    const taken = await this.#lookAround(given);
    const definition = this.#complete(given, taken);
    const network = this.#claim(this.#set.claim(definition), definition);
    return this.#exclusively(network, "define", patience, async () => {
      const { uuid } = network;
      await this.#options.records.save({ uuid, autostart: network.autostart, xml: formatNetwork(definition) });
      network.config = definition;
      return this.#report(network, defined);
    });
  }

  async create(xml: string, patience: Patience): Promise<WireNetwork> {
    const given = parseNetwork(xml);
    const taken = await this.#lookAround(given);
    const definition = this.#complete(given, taken);
    const network = this.#claim(this.#set.claimInactive(definition), definition);
    return this.#exclusively(network, "create", patience, () => this.#raise(network, definition));
  }

  async start(network: HostNetwork, patience: Patience): Promise<void> {
    await this.#exclusively(network, "start", patience, async () => {
      this.#checkThere(network);
      await this.#raise(network, network.nextDefinition);
    });
  }

  async stop(network: HostNetwork, patience: Patience): Promise<void> {
    await this.#exclusively(network, "destroy", patience, async () => {
      this.#checkThere(network);
      const { live } = network;
      if (live === undefined) throw invalid(`network '${network.name}' is not active`);
      await this.#options.runs.lower(live);
      network.live = undefined;
      this.#report(network, stopped);
    });
  }

  async undefine(network: HostNetwork, patience: Patience): Promise<void> {
    await this.#exclusively(network, "undefine", patience, async () => {
      this.#checkThere(network);
      if (!network.persistent) throw invalid("can't undefine transient network");
      await this.#options.records.remove(network.uuid);
      network.config = undefined;
      network.autostart = false;
      if (!network.isActive) await this.#options.runs.removeLeases(network.uuid);
      this.#report(network, removed);
    });
  }

  async setAutostart(network: HostNetwork, autostart: boolean, patience: Patience): Promise<void> {
    await this.#exclusively(network, "autostart", patience, async () => {
      this.#checkThere(network);
      const { uuid, config } = network;
      if (config === undefined) throw invalid("cannot set autostart for transient network");
      await this.#options.records.save({ uuid, autostart, xml: formatNetwork(config) });
      network.autostart = autostart;
    });
  }

  async update(network: HostNetwork, change: NetworkUpdate, patience: Patience): Promise<void> {
    await this.#exclusively(network, "update", patience, async () => {
      this.#checkThere(network);
      const { live, next } = changesOf(network, change);
      if (live !== undefined) {
        await this.#options.runs.change(live);
        network.live = live;
      }
      if (next === undefined) return;
      const { uuid, autostart } = network;
      await this.#options.records.save({ uuid, autostart, xml: formatNetwork(next) });
      network.config = next;
    });
  }

  /** The bridge that a guest's card on this network is plugged into. Throws VirError, also when it is not active. */
  bridgeOf(name: string): string {
    const network = this.byName(name);
    if (network.live === undefined) throw invalid(`network '${name}' is not active`);
    return bridgeNameOf(network);
  }

  /** `now` in seconds since 1970. */
  async leasesOf(network: HostNetwork, mac: string | null, now: number): Promise<readonly Lease[]> {
    const wanted = mac === null ? undefined : macOf(mac);
    const leases = await this.#options.runs.leasesOf(network.uuid, now);
    return wanted === undefined ? leases : leases.filter((lease) => lease.mac === wanted);
  }

  /** As it is shown: how many guests are plugged into it is part of it. */
  async textOf(network: HostNetwork, inactive: boolean): Promise<string> {
    const { live } = network;
    if (inactive && network.config !== undefined) return formatNetwork(network.config);
    if (live === undefined || !hasOwnBridge(live)) return formatNetwork(network.definition);
    const ports = await this.#options.machine.portsOf(bridgeNameOf(network));
    const count = ports.filter((each) => /^vnet\d+$/.test(each)).length;
    return formatNetwork(live, count);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
    this.#options.runs.close();
  }

  async #raise(network: HostNetwork, definition: ObjectDefinition): Promise<WireNetwork> {
    if (network.isActive) throw invalid("network is already active");
    const live = withPorts(definition);
    await this.#options.runs.raise(live);
    network.live = live;
    return this.#report(network, started);
  }

  /** The network devices there are, and the bridges that libvirt's networks have or will have. */
  async #lookAround(definition: ObjectDefinition): Promise<Taken> {
    if (!hasOwnBridge(definition)) return { devices: new Set(), foreign: new Set() };
    const { machine } = this.#options;
    const [devices, foreign] = await Promise.all([machine.devices(), machine.foreignBridges()]);
    return { devices, foreign };
  }

  /**
   * Bridge and address of its own, where it has none and libvirt would give it some. Nobody may come between this and
   * the claim: with that the name is taken.
   */
  #complete(definition: ObjectDefinition, { devices, foreign }: Taken): ObjectDefinition {
    this.#checkOpen();
    if (!hasOwnBridge(definition)) return definition;
    const all = [...this.#set];
    const others = all.filter(({ uuid, name }) => uuid !== definition.uuid && name !== definition.name);
    const ours = new Set(others.flatMap(bridgesOf));
    const own = new Set(all.filter((each) => !others.includes(each)).flatMap(bridgesOf));
    const isClaimed = (name: string): boolean => ours.has(name) || foreign.has(name);
    // One that is named may be there now: whether it still is counts when the network starts.
    const isTaken = (name: string): boolean => isClaimed(name) || (devices.has(name) && !own.has(name));
    const completed = changedNetwork(definition, (root) => fillBridge(root, isClaimed, isTaken));
    planOf(completed);
    return completed;
  }

  #claim(known: HostNetwork | undefined, definition: ObjectDefinition): HostNetwork {
    return known ?? this.#set.add(new HostObject(this.#options.loop, definition));
  }

  async #exclusively<T>(
    network: HostNetwork,
    operation: string,
    { deadline, signal }: Patience,
    body: () => Promise<T>,
  ): Promise<T> {
    const work = network.jobs.run({ operation, deadline, signal }, () => {
      this.#checkOpen();
      return body();
    });
    this.#underWay.add(work);
    try {
      return await work;
    } finally {
      this.#underWay.delete(work);
      this.#release(network);
    }
  }

  /** What neither runs nor is kept is no more, once nobody is about to change that. */
  #release(network: HostNetwork): void {
    if (!isThere(network) && network.jobs.isIdle && this.#set.has(network)) this.#set.remove(network);
  }

  /** Whoever has waited may find that another has removed it. */
  #checkThere(network: HostNetwork): void {
    if (!this.#set.has(network) || !isThere(network)) throw this.#gone(network);
  }

  #gone({ uuid, name }: HostNetwork): VirError {
    const str1 = "Network not found: %s";
    const str2 = `no network with matching uuid '${uuid}' (${name})`;
    return new VirError(`Network not found: ${str2}`, {
      code: ErrorCode.noNetwork,
      domain: ErrorDomain.network,
      str1,
      str2,
    });
  }

  #checkOpen(): void {
    if (this.#closed) throw invalid("the driver is closed");
  }

  async #attempt(what: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      this.#options.report(new Error(`network ${what}: ${detail}`, { cause }));
    }
  }

  #report({ reference }: HostNetwork, event: number): WireNetwork {
    this.#options.tell({ name: "networkEventLifecycle", net: reference, event, detail: 0 });
    return reference;
  }
}

/** The name of its bridge on the host. Throws VirError. */
export function bridgeNameOf({ name, definition }: HostNetwork): string {
  const bridge = definition.root.first("bridge")?.attribute("name");
  if (bridge !== undefined) return bridge;
  throw VirError.of(ErrorCode.internalError, ErrorDomain.network, `network '${name}' does not have a bridge name.`);
}

function bridgesOf({ live, definition, nextDefinition }: HostNetwork): string[] {
  return [live, definition, nextDefinition].flatMap((each) => each?.root.first("bridge")?.attribute("name") ?? []);
}

function fillBridge(root: Element, isClaimed: (name: string) => boolean, isTaken: (name: string) => boolean): void {
  const bridge = fillChild(root, "bridge");
  const name = bridge.attribute("name");
  if (name === undefined) bridge.setAttribute("name", freeName(isTaken));
  else if (isClaimed(name)) {
    throw VirError.of(ErrorCode.internalError, ErrorDomain.network, `bridge name '${name}' already in use.`);
  }
  if (root.first("mac") !== undefined) return;
  const tail = [...randomBytes(3)].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
  root.children.push(new Element("mac", { address: `52:54:00:${tail}` }));
}

function freeName(isTaken: (name: string) => boolean): string {
  for (let number = 0; ; number++) if (!isTaken(`virbr${number}`)) return `virbr${number}`;
}

/** A running network says which ports it translates to, as libvirt's does. */
function withPorts(definition: ObjectDefinition): ObjectDefinition {
  const forward = definition.root.first("forward");
  if (forward?.attribute("mode") !== "nat" || forward.first("nat") !== undefined) return definition;
  return changedNetwork(definition, (root) => {
    const port = new Element("port", { start: "1024", end: "65535" });
    root.first("forward")?.children.push(new Element("nat", {}, [port]));
  });
}

function invalid(detail: string): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.network, detail);
}
