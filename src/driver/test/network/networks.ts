import {
  ErrorCode,
  ErrorDomain,
  type ObjectEvent,
  ObjectLifecycle,
  type Network as WireNetwork,
} from "../../../protocol/index.ts";
import { parseNetwork } from "../../network/network-definition.ts";
import { ManagedObject, type ObjectDefinition } from "../../objects/managed-object.ts";
import { ObjectSet } from "../../objects/object-set.ts";
import { internal, invalid } from "../failure.ts";

export type Network = ManagedObject<ObjectDefinition>;

const { defined, undefined: removed, started, stopped } = ObjectLifecycle.network;

/** The virtual networks, and what happens to them: every change of a network's life is made and told here. */
export class Networks {
  readonly #tell: (event: ObjectEvent) => void;
  readonly #set = new ObjectSet<Network>({
    noun: "network",
    longNoun: "network",
    missing: "Network not found",
    code: ErrorCode.noNetwork,
    owner: ErrorDomain.test,
    domain: ErrorDomain.network,
  });

  /** The networks that there are from the start are active. */
  constructor(texts: readonly string[], tell: (event: ObjectEvent) => void) {
    this.#tell = tell;
    for (const each of texts) {
      const network = this.#set.add(new ManagedObject(parseNetwork(each)));
      network.persistent = true;
      network.isActive = true;
    }
  }

  get all(): readonly Network[] {
    return [...this.#set];
  }

  /** Throws VirError, as the next one. libvirt's test hypervisor looks most things up by name. */
  byName(name: string): Network {
    return this.#set.byName(name);
  }

  byUuid(uuid: string): Network {
    return this.#set.byUuid(uuid);
  }

  define(xml: string): WireNetwork {
    const definition = parseNetwork(xml);
    const known = this.#set.claim(definition);
    const network = known ?? this.#set.add(new ManagedObject(definition));
    network.assign(definition);
    network.persistent = true;
    return this.#report(network, defined);
  }

  create(xml: string): WireNetwork {
    const definition = parseNetwork(xml);
    const known = this.#set.claimInactive(definition);
    const network = known ?? this.#set.add(new ManagedObject(definition));
    network.assign(definition);
    network.isActive = true;
    return this.#report(network, started);
  }

  start(network: Network): void {
    if (network.isActive) throw invalid(`Network '${network.name}' is already running`);
    network.isActive = true;
    this.#report(network, started);
  }

  /** One that is not active may be stopped again. */
  stop(network: Network): void {
    network.isActive = false;
    this.#report(network, stopped);
    if (!network.persistent) this.#set.remove(network);
  }

  undefine(network: Network): void {
    if (network.isActive) throw invalid(`Network '${network.name}' is still running`);
    this.#report(network, removed);
    this.#set.remove(network);
  }

  #report({ reference }: Network, event: number): WireNetwork {
    this.#tell({ name: "networkEventLifecycle", net: reference, event, detail: 0 });
    return reference;
  }
}

/** The name of its bridge on the host. */
export function bridgeOf({ name, definition }: Network): string {
  const bridge = definition.root.first("bridge")?.attribute("name");
  if (bridge !== undefined) return bridge;
  throw internal(`network '${name}' does not have a bridge name.`);
}
