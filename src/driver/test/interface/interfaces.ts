import { ErrorCode, ErrorDomain, VirError, type HostInterface as WireInterface } from "../../../protocol/index.ts";
import { worded } from "../../objects/worded.ts";
import { invalid } from "../failure.ts";
import { type InterfaceDefinition, parseInterface } from "./interface-definition.ts";

export interface HostInterface {
  readonly definition: InterfaceDefinition;
  readonly isActive: boolean;
}

/**
 * Network interfaces of the host. Changes can be taken back:
 *
 *     settled -> changing -> settled
 *
 * begin:    settled -> changing; remembers what there is.
 * commit:   changing -> settled.
 * rollback: changing -> settled; what there was is back, and down.
 */
export class Interfaces {
  #byName: Map<string, HostInterface>;
  /** While changing: what there was. */
  #before: Map<string, HostInterface> | undefined;

  /** Those that there are from the start are up. */
  constructor(texts: readonly string[]) {
    const definitions = texts.map((each) => parseInterface(each));
    this.#byName = new Map(definitions.map((definition) => [definition.name, { definition, isActive: true }]));
  }

  get all(): readonly HostInterface[] {
    return [...this.#byName.values()];
  }

  /** Throws VirError. */
  byName(name: string): HostInterface {
    const found = this.#byName.get(name);
    if (found === undefined) throw missed("name", name);
    return found;
  }

  /** Throws VirError: also when several have this address. */
  byMac(mac: string): HostInterface {
    const [found, another] = this.all.filter(({ definition }) => definition.mac.toLowerCase() === mac.toLowerCase());
    if (found === undefined) throw missed("mac", mac);
    if (another === undefined) return found;
    const message = "multiple matching interfaces found";
    throw new VirError(message, { code: ErrorCode.multipleInterfaces, domain: ErrorDomain.test, str1: message });
  }

  define(xml: string): WireInterface {
    const definition = parseInterface(xml);
    const isActive = this.#byName.get(definition.name)?.isActive ?? false;
    this.#byName.set(definition.name, { definition, isActive });
    return referenceTo({ definition });
  }

  undefine(name: string): void {
    this.byName(name);
    this.#byName.delete(name);
  }

  /** Takes it up or down. Throws VirError when it is so already. */
  set(name: string, isActive: boolean): void {
    const found = this.byName(name);
    if (found.isActive === isActive) {
      const message = "Requested operation is not valid";
      throw new VirError(message, { code: ErrorCode.operationInvalid, domain: ErrorDomain.test, str1: message });
    }
    this.#byName.set(name, { ...found, isActive });
  }

  begin(): void {
    if (this.#before !== undefined) throw invalid("there is another transaction running.");
    // Those that come back are down: libvirt's test hypervisor remembers definitions alone.
    this.#before = new Map(Array.from(this.#byName, ([name, each]) => [name, { ...each, isActive: false }]));
  }

  commit(): void {
    if (this.#before === undefined) throw invalid("no transaction running, nothing to be committed.");
    this.#before = undefined;
  }

  rollback(): void {
    if (this.#before === undefined) throw invalid("no transaction running, nothing to rollback.");
    this.#byName = this.#before;
    this.#before = undefined;
  }
}

export function referenceTo({ definition: { name, mac } }: Pick<HostInterface, "definition">): WireInterface {
  return { name, mac };
}

function missed(what: string, value: string): VirError {
  const detail = `no interface with matching ${what} '${value}'`;
  return worded(ErrorCode.noInterface, ErrorDomain.test, "Interface not found", detail);
}
