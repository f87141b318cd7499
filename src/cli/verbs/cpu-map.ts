import type { Connection } from "../../open/index.ts";
import { unlessUnsupported } from "./lookup.ts";
import { PlainFailure } from "./verb.ts";

/** How many processors the host has, the ones that are off included. */
export async function hostCpus(connection: Connection): Promise<number> {
  const map = await unlessUnsupported(connection.nodeGetCpuMap());
  if (map !== undefined) return map.ret;
  const { nodes, sockets, cores, threads } = await connection.nodeGetInfo();
  return nodes * sockets * cores * threads;
}

/** A bit set as text: "0-3,8". */
export function cpuList(map: Uint8Array, cpus: number): string {
  const ranges: [first: number, last: number][] = [];
  for (let cpu = 0; cpu < cpus; cpu++) {
    if ((((map[cpu >> 3] ?? 0) >> (cpu & 7)) & 1) === 0) continue;
    const last = ranges.at(-1);
    if (last?.[1] === cpu - 1) last[1] = cpu;
    else ranges.push([cpu, cpu]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(",");
}

/** "0-3,^2", or "r" for all, as a bit set. Those that the host has not are left out. Throws PlainFailure. */
export function mapOf(list: string, cpus: number): Uint8Array {
  const map = parse(list, cpus);
  if (map !== undefined) return map;
  throw new PlainFailure(`Invalid cpulist '${list}'\nerror: invalid argument: Failed to parse bitmap '${list}'`);
}

function parse(list: string, cpus: number): Uint8Array | undefined {
  const map = new Uint8Array(Math.ceil(cpus / 8));
  const set = (cpu: number, isIn: boolean): void => {
    const byte = map[cpu >> 3];
    if (byte === undefined || cpu >= cpus) return;
    map[cpu >> 3] = isIn ? byte | (1 << (cpu & 7)) : byte & ~(1 << (cpu & 7));
  };
  for (const part of list === "r" ? [`0-${cpus - 1}`] : list.split(",")) {
    const match = /^(\^?)(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (match === null) return undefined;
    const [first, last] = [Number(match[2]), Number(match[3] ?? match[2])];
    if (last < first || last > 16_383 || (match[1] === "^" && match[3] !== undefined)) return undefined;
    for (let cpu = first; cpu <= last; cpu++) set(cpu, match[1] === "");
  }
  return map;
}
