import type {
  DomainMonitorEvent,
  Driver,
  DriverProcedures,
  Hypervisor,
  HypervisorHold,
  MonitorEventSource,
  ObjectEventSource,
} from "../../src/driver/driver.ts";
import { Journal, type Stamped } from "../../src/model/index.ts";
import {
  type Domain,
  type DomainEvent,
  DomainReason,
  DomainState,
  ErrorCode,
  ErrorDomain,
  Lifecycle,
  type ObjectEvent,
  VirError,
} from "../../src/protocol/index.ts";
import type { Stream } from "../../src/rpc/index.ts";

interface FakeDomain {
  readonly name: string;
  readonly uuid: string;
  xml: string;
  id: number;
  state: number;
  reason: number;
}

/** A hypervisor of a few lines: domains are names with a state, a definition is taken apart by regular expressions. */
export class FakeDriver implements Driver, Hypervisor {
  readonly name = "fake";
  readonly journal: Journal<DomainEvent>;
  readonly features = new Set<number>([11]);
  /** Calls of `domainGetMessages` wait for this one, so that a test can keep a call under way. */
  stuck: Promise<void> = Promise.resolve();
  /** Opening a connection waits for this one. */
  opening: Promise<void> | undefined;
  /** Connections that share it now. */
  holds = 0;
  /** What `domainOpenConsole` sends, and what it fails with afterwards. */
  consoleText = "";
  consoleFailure: Error | undefined;
  /** What `domainOpenGraphicsFd` passes along. */
  graphicsFds: readonly number[] = [];
  /** The signal that the last of them was called with. */
  stuckSignal: AbortSignal | undefined;
  stuckDeadline: number | undefined;
  stuckCalls = 0;
  /** Networks and pools have events, which a test makes up. */
  readonly objects = new Set<(event: ObjectEvent) => void>();
  readonly objectEvents: ObjectEventSource = {
    kinds: new Set(["network", "storagePool"]),
    subscribe: (listener) => {
      this.objects.add(listener);
      return () => this.objects.delete(listener);
    },
  };
  /** Whether guests have monitors, whose events a test makes up. */
  readonly monitors = new Set<(event: DomainMonitorEvent) => void>();
  monitorEvents: MonitorEventSource | undefined = {
    subscribe: (listener) => {
      this.monitors.add(listener);
      return () => this.monitors.delete(listener);
    },
  };
  readonly #domains = new Map<string, FakeDomain>();
  readonly #listeners = new Set<(event: Stamped<DomainEvent>) => void>();
  #lastId = 0;

  /** `keep`: how many events stay in the journal. */
  constructor(keep = 5) {
    this.journal = new Journal<DomainEvent>({ now: () => 1_000, keep });
  }

  accepts(uri: string): boolean {
    return uri === "fake:///default" || uri === "qemu:///system";
  }

  connect(): HypervisorHold | Promise<HypervisorHold> {
    const hold = (): HypervisorHold => {
      this.holds++;
      return { hypervisor: this, release: () => this.holds-- };
    };
    return this.opening === undefined ? hold() : this.opening.then(hold);
  }

  /** Tells listeners of something. */
  tell(event: DomainEvent): void {
    const stamped = this.journal.append(event);
    for (const listener of this.#listeners) listener(stamped);
  }

  subscribe(listener: (event: Stamped<DomainEvent>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  define(name: string): Domain {
    const uuid = `00000000-0000-4000-8000-${Buffer.from(name).toString("hex").padStart(12, "0").slice(-12)}`;
    const { shutoff } = DomainState;
    const xml = `<domain type='fake'>\n  <name>${name}</name>\n  <uuid>${uuid}</uuid>\n</domain>\n`;
    const domain = { name, uuid, xml, id: -1, state: shutoff, reason: DomainReason.shutoff.unknown };
    this.#domains.set(uuid, domain);
    this.#report(domain, Lifecycle.defined.event, Lifecycle.defined.detail.added);
    return refer(domain);
  }

  readonly procedures: DriverProcedures = {
    connectGetType: () => ({ type: "Fake" }),
    connectGetVersion: () => ({ hvVer: 1_002_003n }),
    connectGetHostname: async () => ({ hostname: "fakehost" }),
    nodeGetInfo: () => ({
      model: "x86_64",
      memory: 4_194_304n,
      cpus: 2,
      mhz: 2_000,
      nodes: 1,
      sockets: 1,
      cores: 2,
      threads: 1,
    }),
    connectGetCapabilities: () => ({ capabilities: "<capabilities/>\n" }),
    connectListAllDomains: ({ needResults }) => {
      const all = [...this.#domains.values()].map(refer);
      return { domains: needResults === 1 ? all : [], ret: all.length };
    },
    domainLookupByName: ({ name }) => ({ dom: refer(this.#find("name", name)) }),
    domainLookupByUuid: ({ uuid }) => ({ dom: refer(this.#find("uuid", uuid)) }),
    domainLookupById: ({ id }) => ({ dom: refer(this.#find("id", id)) }),
    domainDefineXml: ({ xml }) => ({ dom: this.define(/<name>(.*)<\/name>/.exec(xml)?.[1] ?? "nameless") }),
    domainUndefine: ({ dom }) => this.#undefine(dom),
    domainUndefineFlags: ({ dom }) => this.#undefine(dom),
    domainCreate: ({ dom }) => {
      const domain = this.#of(dom);
      if (domain.id !== -1) throw invalid("domain is already running");
      domain.id = ++this.#lastId;
      this.#change(domain, DomainState.running, DomainReason.running.booted);
      this.#report(domain, Lifecycle.started.event, Lifecycle.started.detail.booted);
    },
    domainDestroy: ({ dom }) => {
      const domain = this.#of(dom);
      if (domain.id === -1) throw invalid("domain is not running");
      domain.id = -1;
      this.#change(domain, DomainState.shutoff, DomainReason.shutoff.destroyed);
      this.#report(domain, Lifecycle.stopped.event, Lifecycle.stopped.detail.destroyed);
    },
    domainSuspend: async ({ dom }) => {
      const domain = this.#of(dom);
      this.#change(domain, DomainState.paused, DomainReason.paused.user);
      this.#report(domain, Lifecycle.suspended.event, Lifecycle.suspended.detail.paused);
    },
    domainResume: async ({ dom }) => {
      const domain = this.#of(dom);
      this.#change(domain, DomainState.running, DomainReason.running.unpaused);
      this.#report(domain, Lifecycle.resumed.event, Lifecycle.resumed.detail.unpaused);
    },
    domainGetState: ({ dom }) => {
      const { state, reason } = this.#of(dom);
      return { state, reason };
    },
    domainGetInfo: ({ dom }) => {
      const { state } = this.#of(dom);
      return { state, maxMem: 131_072n, memory: 131_072n, nrVirtCpu: 1, cpuTime: 1_500_000_000n };
    },
    domainGetXmlDesc: ({ dom }) => ({ xml: this.#of(dom).xml }),
    domainGetOsType: () => ({ type: "hvm" }),
    domainIsActive: ({ dom }) => ({ active: this.#of(dom).id === -1 ? 0 : 1 }),
    domainIsPersistent: () => ({ persistent: 1 }),
    domainGetAutostart: () => ({ autostart: 0 }),
    domainHasManagedSaveImage: () => ({ result: 0 }),
    domainIsUpdated: () => {
      throw new Error("the fake driver fell over");
    },
    domainOpenConsole: ({ dom }) => {
      this.#of(dom);
      const serve = async (stream: Stream): Promise<void> => {
        await stream.write(Buffer.from(this.consoleText));
        if (this.consoleFailure !== undefined) throw this.consoleFailure;
        await stream.finish();
      };
      return { ret: undefined, serve };
    },
    domainOpenGraphicsFd: (_, context) => context.passFds(this.graphicsFds),
    domainGetMessages: async (_, { signal, deadline }) => {
      this.stuckSignal = signal;
      this.stuckDeadline = deadline;
      this.stuckCalls++;
      await this.stuck;
      return { msgs: [] };
    },
  };

  #undefine(dom: Domain): void {
    const domain = this.#of(dom);
    this.#domains.delete(domain.uuid);
    this.#report(domain, Lifecycle.undefined.event, Lifecycle.undefined.detail.removed);
  }

  #of(dom: Domain): FakeDomain {
    return this.#find("uuid", dom.uuid);
  }

  #find(key: "name" | "uuid" | "id", value: string | number): FakeDomain {
    for (const domain of this.#domains.values()) if (domain[key] === value && value !== -1) return domain;
    throw VirError.of(ErrorCode.noDomain, ErrorDomain.test, `no domain with matching ${key} '${value}'`);
  }

  #change(domain: FakeDomain, state: number, reason: number): void {
    domain.state = state;
    domain.reason = reason;
  }

  #report(domain: FakeDomain, event: number, detail: number): void {
    this.tell({ name: "lifecycle", dom: refer(domain), event, detail });
  }
}

function refer({ name, uuid, id }: FakeDomain): Domain {
  return { name, uuid, id };
}

function invalid(detail: string): VirError {
  return VirError.of(ErrorCode.operationInvalid, ErrorDomain.test, detail);
}
