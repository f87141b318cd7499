import type { DomainInfo } from "../../libxl/index.ts";
import { Definition, type Domain } from "../../model/index.ts";
import { Element } from "../../xml/index.ts";
import type { DomainTurns, Patience } from "../domain-turns.ts";
import { affect, changed } from "../qemu/modification.ts";
import { invalid } from "./errors.ts";

const uuid = "00000000-0000-0000-0000-000000000000";
/** As libvirt shows what Xen does not limit. */
const unlimitedKib = 1n << 53n;

export function isDomainZero(domain: Pick<Domain, "uuid">): boolean {
  return domain.uuid === uuid;
}

/** Domain 0 as libvirt lists it. */
export function domainZeroDefinition(info: DomainInfo): Definition {
  const most = info.maxMemoryKib < unlimitedKib ? info.maxMemoryKib : info.currentMemoryKib;
  const current = info.onlineVcpus === info.maxVcpus ? {} : { current: String(info.onlineVcpus) };
  return Definition.of(
    new Element("domain", { type: "xen" }, [
      Element.leaf("name", "Domain-0"),
      Element.leaf("uuid", uuid),
      Element.leaf("memory", String(most), { unit: "KiB" }),
      Element.leaf("currentMemory", String(info.currentMemoryKib), { unit: "KiB" }),
      Element.leaf("vcpu", String(info.maxVcpus), { placement: "static", ...current }),
      new Element("os", {}, [Element.leaf("type", "linux")]),
      new Element("clock", { offset: "utc" }),
      ...["on_poweroff", "on_reboot", "on_crash"].map((name) => Element.leaf(name, "destroy")),
      new Element("devices"),
    ]),
  );
}

/** What is done to domain 0, and how its definition shows it afterwards. */
export interface ZeroChange {
  readonly act: () => Promise<void>;
  readonly edit: (root: Element) => void;
}

/** A change of domain 0 as it runs: no definition of it is kept. Rejects with VirError. */
export function changeZero(
  guests: Pick<DomainTurns, "exclusively">,
  zero: Domain,
  flags: number,
  operation: string,
  patience: Patience,
  { act, edit }: ZeroChange,
): Promise<void> {
  return guests.exclusively(zero, operation, patience, async () => {
    if ((flags & affect.config) !== 0) throw invalid("Domain-0 has no persistent config");
    await act();
    const { incarnation, definition } = zero;
    if (incarnation === undefined || definition === undefined) return;
    zero.describe(incarnation, changed(definition, edit));
  });
}
