import type { Domain, DomainList } from "../../model/index.ts";
import { DomainState } from "../../protocol/index.ts";

type Test = (domain: Domain) => boolean;

const { running, paused, shutoff } = DomainState;
const isIn =
  (state: number): Test =>
  ({ status }) =>
    status.state === state;
const never: Test = () => false;
const always: Test = () => true;

/** virConnectListAllDomainsFlags: of each group whose bits are set, a domain has to pass one. */
const groups: readonly (readonly [bit: number, test: Test][])[] = [
  [
    [1, ({ incarnation }) => incarnation !== undefined],
    [2, ({ incarnation }) => incarnation === undefined],
  ],
  [
    [4, ({ persistent }) => persistent !== undefined],
    [8, ({ persistent }) => persistent === undefined],
  ],
  [
    [16, isIn(running)],
    [32, isIn(paused)],
    [64, isIn(shutoff)],
    [128, ({ status }) => ![running, paused, shutoff].some((state) => state === status.state)],
  ],
  // With and without: managed save, autostart, snapshots, checkpoints.
  ...[256, 1024, 4096, 16_384].map((bit): [number, Test][] => [
    [bit, never],
    [2 * bit, always],
  ]),
];

export function selectDomains(domains: DomainList | readonly Domain[], flags: number): Domain[] {
  const wanted = groups.map((group) => group.filter(([bit]) => (flags & bit) !== 0)).filter(({ length }) => length > 0);
  const passes: Test = (domain) => wanted.every((group) => group.some(([, test]) => test(domain)));
  return Array.from(domains).filter(passes);
}
