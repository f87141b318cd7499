import { formatTable, median } from "./table.ts";

/** What one round has measured of the two. */
export interface Pair {
  readonly ours: number;
  readonly libvirtd: number;
}

/** Of our event loop, in ms: what it was late, all but once in a thousand and at most, and how long it worked at a time. */
export interface Delay {
  readonly p999: number;
  readonly delay: number;
  readonly stretch: number;
}

interface Row {
  readonly name: string;
  readonly unit: string;
  readonly pairs: Pair[];
  readonly delays: Delay[];
}

/** Measures, in the order in which they were first heard of. */
export class Board {
  readonly #rows = new Map<string, Row>();

  add(name: string, unit: string, pair: Pair): void {
    this.#row(name, unit).pairs.push(pair);
  }

  /** While this was measured. */
  addDelay(name: string, delay: Delay): void {
    this.#row(name, "").delays.push(delay);
  }

  /** The median of what each round has found, ours over libvirtd's. */
  ratio(name: string): number {
    return median(this.#row(name, "").pairs.map(({ ours, libvirtd }) => ours / libvirtd));
  }

  /** The median of what we took. */
  ours(name: string): number {
    return median(this.#row(name, "").pairs.map(({ ours }) => ours));
  }

  /** The longest stretch of all, in ms. */
  get longestStretch(): number {
    return Math.max(...[...this.#rows.values()].flatMap(({ delays }) => delays.map(({ stretch }) => stretch)));
  }

  print(): void {
    const rows = [...this.#rows.values()].map(({ name, unit, pairs, delays }) => [
      name,
      unit,
      figure(median(pairs.map(({ ours }) => ours))),
      figure(median(pairs.map(({ libvirtd }) => libvirtd))),
      figure(this.ratio(name)),
      longest(delays.map(({ p999 }) => p999)),
      longest(delays.map(({ delay }) => delay)),
      longest(delays.map(({ stretch }) => stretch)),
    ]);
    const titles = ["", "unit", "ours", "libvirtd", "ours/libvirtd", "p99.9, ms", "delay, ms", "stretch, ms"];
    console.log(formatTable(titles, rows));
  }

  #row(name: string, unit: string): Row {
    const row = this.#rows.get(name) ?? { name, unit, pairs: [], delays: [] };
    this.#rows.set(name, row);
    return row;
  }
}

function longest(values: readonly number[]): string {
  return values.length > 0 ? Math.max(...values).toFixed(1) : "-";
}

function figure(value: number): string {
  if (Number.isNaN(value)) return "-";
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toPrecision(3);
}
