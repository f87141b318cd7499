import { DomainState, type Domain as WireDomain } from "../../protocol/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags } from "./failure.ts";
import type { Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";

type Test = (guest: Guest) => boolean;

const { running, paused, shutoff } = DomainState;
const isIn =
  (state: number): Test =>
  ({ status }) =>
    status.state === state;

/** Two bits: with something, and without. */
function pair(bit: number, test: Test): [number, Test][] {
  return [
    [bit, test],
    [2 * bit, (guest) => !test(guest)],
  ];
}

/** virConnectListAllDomainsFlags: of each group whose bits are set, a domain has to pass one. */
const groups: readonly (readonly [bit: number, test: Test][])[] = [
  pair(1, ({ isActive }) => isActive),
  pair(4, ({ persistent }) => persistent),
  [
    [16, isIn(running)],
    [32, isIn(paused)],
    [64, isIn(shutoff)],
    [128, ({ status }) => ![running, paused, shutoff].some((state) => state === status.state)],
  ],
  pair(256, ({ hasManagedSave }) => hasManagedSave),
  pair(1024, ({ autostart }) => autostart),
  pair(4096, ({ snapshots }) => snapshots.size > 0),
  pair(16_384, ({ checkpoints }) => checkpoints.size > 0),
];

const selection = 0xffff;

export function selectGuests(guests: readonly Guest[], flags: number): Guest[] {
  const wanted = groups.map((group) => group.filter(([bit]) => (flags & bit) !== 0)).filter(({ length }) => length > 0);
  return guests.filter((guest) => wanted.every((group) => group.some(([, test]) => test(guest))));
}

/** Finding domains. */
export function lookupProcedures(hypervisor: Hypervisor): DriverProcedures {
  const active = (): Guest[] => hypervisor.guests.filter(({ isActive }) => isActive);
  const inactive = (): Guest[] => hypervisor.guests.filter(({ isActive }) => !isActive);
  const found = (guest: Guest): { dom: WireDomain } => ({ dom: guest.reference });
  return {
    connectListAllDomains: ({ needResults, flags }) => {
      checkFlags(flags, selection, "testConnectListAllDomains");
      const domains = selectGuests(hypervisor.guests, flags).map(({ reference }) => reference);
      return { domains: needResults === 0 ? [] : domains, ret: domains.length };
    },
    connectListDomains: ({ maxids }) => ({
      ids: active()
        .slice(0, maxids)
        .map(({ id }) => id),
    }),
    connectNumOfDomains: () => ({ num: active().length }),
    connectListDefinedDomains: ({ maxnames }) => ({
      names: inactive()
        .slice(0, maxnames)
        .map(({ name }) => name),
    }),
    connectNumOfDefinedDomains: () => ({ num: inactive().length }),
    domainLookupById: ({ id }) => found(hypervisor.byId(id)),
    domainLookupByName: ({ name }) => found(hypervisor.byName(name)),
    domainLookupByUuid: ({ uuid }) => found(hypervisor.byUuid(uuid)),
  };
}
