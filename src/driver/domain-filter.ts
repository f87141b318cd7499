import type { Domain, DomainList } from "../model/index.ts";
import { DomainState } from "../protocol/index.ts";

type Test = (domain: Domain) => boolean;

const { running, paused, shutoff } = DomainState;
const isIn =
  (state: number): Test =>
  ({ status }) =>
    status.state === state;
const never: Test = () => false;

/** What is known of a domain beside itself. */
export interface DomainMarks {
  readonly isSaved: Test;
  readonly isAutostarted: Test;
}

/** For flags that ask for none of them. */
export const unmarked: DomainMarks = { isSaved: never, isAutostarted: never };

/** virConnectListAllDomainsFlags: of each group whose bits are set, a domain has to pass one. */
const groupsOf = ({ isSaved, isAutostarted }: DomainMarks): readonly (readonly [bit: number, test: Test][])[] => [
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
  ...(
    [
      [256, isSaved],
      [1024, isAutostarted],
      [4096, never],
      [16_384, never],
    ] as const
  ).map(([bit, test]): [number, Test][] => [
    [bit, test],
    [2 * bit, (domain) => !test(domain)],
  ]),
];

export function selectDomains(domains: DomainList | readonly Domain[], flags: number, marks: DomainMarks): Domain[] {
  const wanted = groupsOf(marks)
    .map((group) => group.filter(([bit]) => (flags & bit) !== 0))
    .filter(({ length }) => length > 0);
  const passes: Test = (domain) => wanted.every((group) => group.some(([, test]) => test(domain)));
  return Array.from(domains).filter(passes);
}
