import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import type * as Virtwright from "../src/open/index.ts";

/**
 * A client of the bench on Node. Arguments: a URI, a library, "virtwright" or "@unraid/libvirt", and the folder that it is
 * installed in. Each line on standard input asks for something; the answer is a line of numbers.
 *
 * calls N    N times each of the calls, one after the other: the median of each, in nanoseconds
 * rate N MS  `info` for so long, N at a time: how many, and the nanoseconds
 */
const [uri = "", library = "", folder = ""] = process.argv.slice(2);
const { calls, close } = library === "virtwright" ? await ours() : await unraids();
const info = calls[1] as () => Promise<unknown>;

for await (const line of createInterface(process.stdin)) {
  const [what, ...numbers] = line.split(" ");
  const [first = 0, second = 0] = numbers.map(Number);
  const answer = what === "calls" ? await latencies(first) : await rate(first, second);
  process.stdout.write(`${answer.join(" ")}\n`);
}
await close();

/** In the order of `callNames`. */
async function ours() {
  const { open } = (await load("dist/open/index.js")) as typeof Virtwright;
  const connection = await open(uri);
  const domain = await connection.domain("test");
  const calls = [
    () => connection.domain("test"),
    () => domain.getInfo(),
    () => domain.getXmlDesc(),
    () => connection.domains(),
    () => connection.getHostname(),
    () => connection.nodeGetInfo(),
  ];
  return { calls, close: () => connection.close() };
}

/** What we use of the other library. */
interface Hypervisor {
  connectOpen(): Promise<void>;
  connectClose(): Promise<void>;
  domainLookupByName(name: string): Promise<{ getInfo(): Promise<unknown>; getXMLDesc(): Promise<string> }>;
  connectListAllDomains(): Promise<unknown>;
  connectGetHostname(): Promise<string>;
  nodeGetInfo(): Promise<unknown>;
}

async function unraids() {
  const { Hypervisor } = (await load("dist/index.js")) as {
    readonly Hypervisor: new (options: { readonly uri: string }) => Hypervisor;
  };
  const hypervisor = new Hypervisor({ uri });
  await hypervisor.connectOpen();
  const domain = await hypervisor.domainLookupByName("test");
  const calls = [
    () => hypervisor.domainLookupByName("test"),
    () => domain.getInfo(),
    () => domain.getXMLDesc(),
    () => hypervisor.connectListAllDomains(),
    () => hypervisor.connectGetHostname(),
    () => hypervisor.nodeGetInfo(),
  ];
  return { calls, close: () => hypervisor.connectClose() };
}

function load(main: string): Promise<unknown> {
  return import(pathToFileURL(join(folder, "node_modules", library, main)).href);
}

async function latencies(count: number): Promise<number[]> {
  const medians: number[] = [];
  for (const call of calls) {
    const took: number[] = [];
    for (let round = 0; round < count; round++) {
      const start = process.hrtime.bigint();
      await call();
      took.push(Number(process.hrtime.bigint() - start));
    }
    medians.push(took.toSorted((a, b) => a - b)[count >> 1] as number);
  }
  return medians;
}

async function rate(atOnce: number, ms: number): Promise<number[]> {
  const start = process.hrtime.bigint();
  const end = performance.now() + ms;
  let count = 0;
  const work = async (): Promise<void> => {
    for (; performance.now() < end; count++) await info();
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return [count, Number(process.hrtime.bigint() - start)];
}
