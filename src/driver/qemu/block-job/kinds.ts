/** virDomainBlockJobType, by what the id of a job begins with: so a job is known again after a restart of the daemon. */
export const jobTypes = { pull: 1, copy: 2, commit: 3, "active-commit": 4 } as const;

export type BlockJobKind = keyof typeof jobTypes;

/** virConnectDomainEventBlockJobStatus */
export const jobStatus = { completed: 0, failed: 1, canceled: 2, ready: 3 };

/** The name of a disk's job in QEMU. */
export function jobId(kind: BlockJobKind, target: string): string {
  return `${kind}-${target}`;
}

/** Undefined for a job of somebody else's. */
export function parseJobId(id: string): { kind: BlockJobKind; target: string } | undefined {
  const kinds = Object.keys(jobTypes) as BlockJobKind[];
  const kind = kinds.find((each) => id.startsWith(`${each}-`));
  return kind === undefined ? undefined : { kind, target: id.slice(kind.length + 1) };
}
