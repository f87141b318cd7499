import type { Loop } from "../../event/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import { type HostRunRecord, HostRunRecords } from "../objects/host-run-records.ts";
import type { ObjectDefinition } from "../objects/managed-object.ts";
import { maskOf, numberOf } from "./address.ts";
import { addBridge, configureBridge, removeBridge } from "./bridge.ts";
import { Dnsmasq } from "./dnsmasq.ts";
import { Firewall } from "./firewall.ts";
import { type Lease, parseLeases } from "./leases.ts";
import { formatNetwork } from "./network-definition.ts";
import type { LeaseServer, NetworkMachine } from "./network-machine.ts";
import { hasOwnBridge, type NetworkPlan, planOf } from "./network-plan.ts";

export interface NetworkRunsOptions {
  readonly loop: Loop;
  readonly machine: NetworkMachine;
  /** Vanishes with the next boot. */
  readonly runDir: string;
  /** Leases are kept. */
  readonly leaseDir: string;
  /** Hears of what has gone wrong where nobody waits for an answer. */
  readonly report: (error: unknown) => void;
}

interface NetworkRun {
  readonly plan: NetworkPlan;
  server: LeaseServer | undefined;
  exit: { remove(): void } | undefined;
}

/**
 * What runs of networks on the machine: bridge, rules and dnsmasq of each. One call at a time for a network, and its
 * caller sees to that.
 *
 *     raise:  makes all of it, or, when something fails, nothing.
 *     change: brings what runs to another definition with the same bridge.
 *     lower:  takes all of it away.
 *     adopt:  takes up what the daemon before us has left running.
 */
export class NetworkRuns {
  readonly #options: NetworkRunsOptions;
  readonly #records: HostRunRecords;
  readonly #dnsmasq: Dnsmasq;
  readonly #firewall: Firewall;
  readonly #runs = new Map<string, NetworkRun>();

  constructor(options: NetworkRunsOptions) {
    const { loop, machine, runDir, leaseDir, report } = options;
    this.#options = options;
    this.#records = new HostRunRecords(runDir, machine.boot, report);
    this.#dnsmasq = new Dnsmasq(loop, machine, runDir, leaseDir);
    this.#firewall = new Firewall(machine.programs);
  }

  /** What runs of the daemon before us. */
  load(): Promise<readonly HostRunRecord[]> {
    return this.#records.load();
  }

  /** Rejects with VirError. A network whose bridge is somebody else's has nothing to be made. */
  async raise(definition: ObjectDefinition): Promise<void> {
    const { uuid } = definition;
    const xml = formatNetwork(definition);
    if (!hasOwnBridge(definition)) return this.#records.save({ uuid, phase: "active", xml });
    const plan = planOf(definition);
    await this.#checkFree(plan);
    await this.#records.save({ uuid, phase: "changing", xml });
    await using undo = new AsyncDisposableStack();
    const onFailure = (act: () => Promise<void>): void => undo.defer(() => this.#attempt(act));
    onFailure(() => this.#forget(uuid));
    await addBridge(this.#options.machine, plan);
    onFailure(() => removeBridge(this.#options.machine, plan.bridge));
    await this.#firewall.raise(plan);
    onFailure(() => this.#firewall.remove(plan));
    await configureBridge(this.#options.machine, plan);
    const server = await this.#dnsmasq.start(plan);
    if (server !== undefined) onFailure(() => this.#dnsmasq.stop(server));
    await this.#records.save({ uuid, phase: "active", xml, process: server?.identity });
    undo.move();
    this.#keep(plan, server);
  }

  /** Rejects with VirError; then the old one runs on. */
  async change(definition: ObjectDefinition): Promise<void> {
    const { uuid } = definition;
    const xml = formatNetwork(definition);
    const run = this.#runs.get(uuid);
    if (run === undefined) return this.#records.save({ uuid, phase: "active", xml });
    const plan = planOf(definition);
    await this.#dnsmasq.check(plan);
    await this.#firewall.raise(plan);
    await this.#stopServer(run);
    const server = await this.#dnsmasq.start(plan);
    this.#keep(plan, server);
    await this.#records.save({ uuid, phase: "active", xml, process: server?.identity });
  }

  /** What cannot be taken away is reported; the rest goes all the same. */
  async lower(definition: ObjectDefinition): Promise<void> {
    const { uuid } = definition;
    if (hasOwnBridge(definition)) {
      await this.#records.save({ uuid, phase: "changing", xml: formatNetwork(definition) });
      await this.#clean(definition, this.#runs.get(uuid)?.server);
    }
    await this.#forget(uuid);
  }

  /** Whether it runs on: what is half there, or has lost its bridge, is taken away. */
  async adopt(record: HostRunRecord, definition: ObjectDefinition): Promise<boolean> {
    const { uuid, phase, process, xml } = record;
    if (!hasOwnBridge(definition)) return phase === "active";
    const plan = planOf(definition);
    const server = process && this.#dnsmasq.find(uuid, process);
    const mac = await this.#options.machine.macOf(plan.bridge);
    if (phase !== "active" || mac !== plan.mac) {
      server?.close();
      await this.#attempt(() => this.#dnsmasq.stopAll(uuid));
      await this.#clean(definition, undefined);
      await this.#forget(uuid);
      return false;
    }
    // Whoever has started a firewall anew since has thrown ours away with all others.
    await this.#firewall.raise(plan);
    if (server === undefined) await this.#dnsmasq.stopAll(uuid);
    const running = server ?? (await this.#dnsmasq.start(plan));
    if (running !== server) await this.#records.save({ uuid, phase, xml, process: running?.identity });
    this.#keep(plan, running);
    return true;
  }

  /** What its DHCP server has given away; `now` in seconds since 1970. */
  async leasesOf(uuid: string, now: number): Promise<readonly Lease[]> {
    const run = this.#runs.get(uuid);
    return run === undefined ? [] : parseLeases(await this.#dnsmasq.leasesOf(uuid), run.plan, now);
  }

  /** Of a network that is no more. */
  async removeLeases(uuid: string): Promise<void> {
    await this.#dnsmasq.removeLeases(uuid);
  }

  /** Lets go of all; they run on. */
  close(): void {
    for (const run of this.#runs.values()) letGo(run);
    this.#runs.clear();
  }

  #keep(plan: NetworkPlan, server: LeaseServer | undefined): void {
    const run: NetworkRun = { plan, server, exit: undefined };
    run.exit = server?.onExit(() => {
      letGo(run);
      const advice = "destroy and start it to have another one";
      this.#options.report(new Error(`dnsmasq of network '${plan.name}' has ended: ${advice}`));
    });
    this.#runs.set(plan.uuid, run);
  }

  async #stopServer(run: NetworkRun): Promise<void> {
    const { server, exit } = run;
    exit?.remove();
    run.server = undefined;
    run.exit = undefined;
    if (server !== undefined) await this.#dnsmasq.stop(server);
  }

  /** In the other order of raising; a bridge that is not the one we made stays. */
  async #clean(definition: ObjectDefinition, server: LeaseServer | undefined): Promise<void> {
    const { machine } = this.#options;
    const plan = planOf(definition);
    const { bridge, mac } = plan;
    const run = this.#runs.get(definition.uuid);
    this.#runs.delete(definition.uuid);
    run?.exit?.remove();
    if (server !== undefined) await this.#attempt(() => this.#dnsmasq.stop(server));
    await this.#attempt(async () => {
      if ((await machine.macOf(bridge)) === mac) await removeBridge(machine, bridge);
    });
    await this.#attempt(() => this.#firewall.remove(plan));
  }

  async #forget(uuid: string): Promise<void> {
    await this.#dnsmasq.forget(uuid);
    await this.#records.remove(uuid);
  }

  async #attempt(action: () => Promise<void>): Promise<void> {
    await action().catch(this.#options.report);
  }

  async #checkFree({ bridge, subnets }: NetworkPlan): Promise<void> {
    if ((await this.#options.machine.devices()).has(bridge)) throw thereAlready(bridge);
    const routes = await this.#options.machine.routes();
    for (const { family, address, prefix } of subnets) {
      if (family !== 4) continue;
      const mask = maskOf(prefix);
      const destination = (numberOf(address) & mask) >>> 0;
      const other = routes.find((route) => route.mask === mask && route.destination === destination);
      if (other !== undefined) throw internal(`Network is already in use by interface ${other.device}`);
    }
  }
}

function letGo(run: NetworkRun): void {
  run.exit?.remove();
  run.server?.close();
  run.exit = undefined;
  run.server = undefined;
}

/** In libvirt's words. */
function thereAlready(bridge: string): VirError {
  const exists = 17;
  return VirError.system(ErrorDomain.network, exists, `error creating bridge interface ${bridge}: File exists`);
}

function internal(detail: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.network, detail);
}
