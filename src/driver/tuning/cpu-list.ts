/** "0-2,5": runs of numbers, ascending. */
export function formatCpuList(cpus: readonly number[]): string {
  const runs: [first: number, last: number][] = [];
  for (const cpu of cpus) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] === cpu - 1) run[1] = cpu;
    else runs.push([cpu, cpu]);
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(",");
}

/** Reads what `formatCpuList` writes, and `^n`, which takes one out. */
export function parseCpuList(list: string): number[] {
  const cpus = new Set<number>();
  for (const part of list.split(",")) {
    const [, not, first = "", last = first] = /^\s*(\^?)(\d+)(?:-(\d+))?\s*$/.exec(part) ?? [];
    for (let cpu = Number(first); first !== "" && cpu <= Math.min(Number(last), 4095); cpu++) {
      if (not === "^") cpus.delete(cpu);
      else cpus.add(cpu);
    }
  }
  return [...cpus].sort((one, other) => one - other);
}
