import type { CallContext } from "../../driver/driver.ts";
import type { Judge, JudgedHypervisor, Target, Verdict } from "../access/judge.ts";
import { type Principal, subjectOf } from "../principal.ts";
import type { Polkit } from "./polkit.ts";

type Details = Readonly<Record<string, string>>;

/** What libvirt tells polkit of an object: of its name, and of its uuid. */
const keys: Readonly<Record<string, readonly [name: string, uuid?: string]>> = {
  domain: ["domain_name", "domain_uuid"],
  interface: ["interface_name"],
  network: ["network_name", "network_uuid"],
  network_port: ["network_name", "network_uuid"],
  node_device: ["node_device_name"],
  nwfilter: ["nwfilter_name", "nwfilter_uuid"],
  nwfilter_binding: ["nwfilter_binding_portdev"],
  secret: ["secret_uuid"],
  storage_pool: ["pool_name", "pool_uuid"],
};

/** polkit decides on each call: by libvirt's actions, `org.libvirt.api.domain.start`, and with its details. Root may do all. */
export class PolkitJudge implements Judge {
  readonly name = "polkit";
  readonly knowsTags = false;
  readonly #polkit: Polkit | undefined;
  /** As libvirt calls the drivers of hypervisors. */
  readonly #drivers = new WeakMap<object, Promise<string | undefined>>();

  /** Without one nobody but root may do anything. */
  constructor(polkit: Polkit | undefined) {
    this.#polkit = polkit;
  }

  decideOfAll({ identity }: Principal): Verdict | undefined {
    return identity?.uid === 0 ? { allowed: true, reason: "root may" } : undefined;
  }

  decide(
    principal: Principal,
    permission: string,
    target: Target,
    hypervisor: JudgedHypervisor,
    context?: Pick<CallContext, "signal">,
  ): Verdict | Promise<Verdict> {
    return this.decideOfAll(principal) ?? this.#ask(principal, permission, target, hypervisor, context?.signal);
  }

  async #ask(
    principal: Principal,
    permission: string,
    target: Target,
    { procedures }: JudgedHypervisor,
    signal: AbortSignal | undefined,
  ): Promise<Verdict> {
    const action = `org.libvirt.api.${permission.replace(":", ".").replaceAll("_", "-")}`;
    const subject = subjectOf(principal);
    if (this.#polkit === undefined || subject === undefined)
      return { allowed: false, reason: "polkit knows this machine's processes alone" };
    try {
      let driver = this.#drivers.get(procedures);
      if (driver === undefined) {
        driver = Promise.resolve(procedures.connectGetType?.({}, nobody())).then((answer) => driverName(answer?.type));
        this.#drivers.set(procedures, driver);
      }
      const answer = await this.#polkit.ask({ action, subject, details: detailsOf(await driver, target) }, signal);
      return { allowed: answer === "allowed", reason: `its answer to ${action}: ${answer}` };
    } catch (error) {
      this.#drivers.delete(procedures);
      return { allowed: false, reason: `no answer to ${action}: ${(error as Error).message}` };
    }
  }
}

/** libvirt's driver is called as the type of its connections, but for one. */
function driverName(type: string | undefined): string | undefined {
  return type === "TEST" ? "Test" : type;
}

function detailsOf(driver: string | undefined, { kind = "", name, uuid }: Target): Details {
  const ofConnection = driver === undefined ? {} : { connect_driver: driver };
  if (name === undefined || name === "") return ofConnection;
  if (kind === "storage_vol") {
    const slash = name.indexOf("/");
    const ofPool = { pool_name: name.slice(0, slash), ...(uuid !== undefined && { pool_uuid: uuid }) };
    return { ...ofConnection, ...ofPool, vol_name: name.slice(slash + 1) };
  }
  const [nameKey, uuidKey] = keys[kind] ?? [];
  return {
    ...ofConnection,
    ...(nameKey !== undefined && { [nameKey]: name }),
    ...(uuidKey !== undefined && uuid !== undefined && { [uuidKey]: uuid }),
  };
}

/** The daemon itself asks. */
function nobody(): CallContext {
  return { signal: new AbortController().signal, readOnly: true, takeFds: () => [], passFds: () => {} };
}
