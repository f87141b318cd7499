import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { type driverProcedures, ErrorCode, ErrorDomain, type RetOf, VirError } from "../../protocol/index.ts";
import { localArch } from "./binary.ts";
import { type HostFacts, hostTopology } from "./capabilities/index.ts";

/** The host as `virsh nodeinfo` shows it. */
export function nodeInfo(host: HostFacts): RetOf<typeof driverProcedures.nodeGetInfo> {
  const { sockets, dies, cores, threads } = hostTopology(host);
  const cpus = host.cells.reduce((sum, { cpus }) => sum + cpus.length, 0);
  const nodes = Math.max(1, host.cells.length);
  // Processors that do not make a whole are shown as cores of one socket, as libvirt does.
  const isWhole = nodes * sockets * dies * cores * threads === cpus;
  return {
    model: localArch(),
    memory: BigInt(Math.floor(totalmem() / 1024)),
    cpus,
    mhz: host.mhz,
    nodes: isWhole ? nodes : 1,
    sockets: isWhole ? sockets * dies : 1,
    cores: isWhole ? cores : cpus,
    threads: isWhole ? threads : 1,
  };
}

/** How many pages of each of these sizes, in KiB, are free: of the first node, then of the next. Throws VirError. */
export function freePages(sizesKib: readonly number[], startCell: number, cellCount: number): bigint[] {
  const counts: bigint[] = [];
  if (startCell < 0 || !hasNode(startCell)) throw outOfRange(startCell);
  for (let cell = startCell; cell < startCell + cellCount && hasNode(cell); cell++) {
    for (const size of sizesKib) counts.push(freePagesOf(cell, size));
  }
  return counts;
}

function hasNode(cell: number): boolean {
  return cell === 0 || read(`/sys/devices/system/node/node${cell}/meminfo`) !== undefined;
}

function freePagesOf(cell: number, sizeKib: number): bigint {
  const node = `/sys/devices/system/node/node${cell}`;
  if (sizeKib === 4) {
    const free = /MemFree:\s*(\d+)/.exec(read(`${node}/meminfo`) ?? read("/proc/meminfo") ?? "")?.[1];
    return BigInt(free ?? 0) / 4n;
  }
  const file = `hugepages/hugepages-${sizeKib}kB/free_hugepages`;
  const count = read(`${node}/${file}`) ?? read(`/sys/kernel/mm/${file}`);
  if (count !== undefined) return BigInt(count.trim());
  const detail = `page size ${sizeKib} is not available on node ${cell}`;
  throw VirError.of(ErrorCode.operationFailed, ErrorDomain.none, detail);
}

function outOfRange(cell: number): VirError {
  const nodes = Array.from({ length: 1024 }, (_, node) => node).filter(hasNode);
  const detail = `start cell ${cell} out of range (0-${nodes.at(-1) ?? 0})`;
  return VirError.of(ErrorCode.internalError, ErrorDomain.none, detail);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
