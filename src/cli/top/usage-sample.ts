import type { Connection, Domain } from "../../open/index.ts";

/** virDomainStatsTypes: state, CPU, balloon, interfaces, disks. */
const groups = 1 | 2 | 4 | 16 | 32;

/** What a domain has used so far, at one moment. */
export interface Counters {
  readonly name: string;
  readonly uuid: string;
  /** Of this machine's clock that only goes forward, in ms. */
  readonly atMs: number;
  readonly vcpus: number;
  readonly cpuNs: bigint;
  readonly memoryKib: bigint;
  readonly readBytes: bigint;
  readonly writtenBytes: bigint;
  readonly receivedBytes: bigint;
  readonly sentBytes: bigint;
}

/** What a domain uses between two moments. */
export interface Usage {
  readonly name: string;
  readonly uuid: string;
  /** Of one of the host's processors: 200 is two of them. */
  readonly cpuPercent: number;
  readonly vcpus: number;
  readonly memoryKib: bigint;
  /** Bytes in a second. */
  readonly readRate: number;
  readonly writeRate: number;
  readonly receiveRate: number;
  readonly sendRate: number;
}

/** Of all domains that run. */
export async function takeSample(connection: Connection, nowMs: () => number): Promise<readonly Counters[]> {
  const stats = await connection.getAllDomainStats({ doms: [], stats: groups }, { flags: 1 });
  return Promise.all(stats.map(({ dom, params }) => countersOf(dom, params, nowMs)));
}

type Params = Readonly<Record<string, string | number | bigint | boolean>>;

/** Some drivers tell nothing but the state: what is missing is asked for. */
async function countersOf(domain: Domain, params: Params, nowMs: () => number): Promise<Counters> {
  const isTold = "cpu.time" in params;
  const info = isTold ? undefined : await domain.getInfo().catch(() => undefined);
  return {
    name: domain.name,
    uuid: domain.uuid,
    atMs: nowMs(),
    vcpus: Number(params["vcpu.current"] ?? info?.nrVirtCpu ?? 0),
    cpuNs: info?.cpuTime ?? bigintOf(params["cpu.time"]),
    memoryKib: "balloon.current" in params ? bigintOf(params["balloon.current"]) : (info?.memory ?? 0n),
    readBytes: sum(params, /^block\.\d+\.rd\.bytes$/),
    writtenBytes: sum(params, /^block\.\d+\.wr\.bytes$/),
    receivedBytes: sum(params, /^net\.\d+\.rx\.bytes$/),
    sentBytes: sum(params, /^net\.\d+\.tx\.bytes$/),
  };
}

function sum(params: Params, pattern: RegExp): bigint {
  return Object.entries(params)
    .filter(([name]) => pattern.test(name))
    .reduce((total, [, value]) => total + bigintOf(value), 0n);
}

function bigintOf(value: Params[string] | undefined): bigint {
  return typeof value === "bigint" ? value : BigInt(Math.trunc(Number(value ?? 0)));
}

/** Those that use most first. A domain that has begun meanwhile, or begun again, has used nothing yet. */
export function usageBetween(before: readonly Counters[], after: readonly Counters[]): Usage[] {
  const earlier = new Map(before.map((each) => [each.uuid, each]));
  return after
    .map((now) => {
      const then = earlier.get(now.uuid) ?? now;
      const seconds = (now.atMs - then.atMs) / 1000;
      const rate = (from: bigint, to: bigint): number => (seconds > 0 && to > from ? Number(to - from) / seconds : 0);
      return {
        name: now.name,
        uuid: now.uuid,
        cpuPercent: rate(then.cpuNs, now.cpuNs) / 1e7,
        vcpus: now.vcpus,
        memoryKib: now.memoryKib,
        readRate: rate(then.readBytes, now.readBytes),
        writeRate: rate(then.writtenBytes, now.writtenBytes),
        receiveRate: rate(then.receivedBytes, now.receivedBytes),
        sendRate: rate(then.sentBytes, now.sentBytes),
      };
    })
    .sort((one, other) => other.cpuPercent - one.cpuPercent || (one.name < other.name ? -1 : 1));
}
