/** The machine that the hypervisor pretends to have, as far as a file says it. */
export interface NodeInfo {
  readonly model: string;
  /** In KiB. */
  readonly memory: bigint;
  readonly cpus: number;
  readonly mhz: number;
  readonly nodes: number;
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
}

/** What libvirt's test hypervisor says of a machine of which nothing is said. */
export const defaultNode: NodeInfo = {
  model: "i686",
  memory: 3_145_728n,
  cpus: 16,
  mhz: 1400,
  nodes: 2,
  sockets: 2,
  cores: 2,
  threads: 2,
};
