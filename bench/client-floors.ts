import { fileURLToPath } from "node:url";
import { LineProgram, type NativeBuild } from "./native.ts";
import { callOf, dom, Frames, helloTo } from "./rpc-frames.ts";
import { median } from "./table.ts";

/**
 * What no library can be better than, for "info" on the same libvirtd: bytes that were encoded before, from Node's
 * sockets and from C, and from C as many at once.
 */
export class Floors {
  readonly #node: LineProgram;
  readonly #inTurn: LineProgram | undefined;
  readonly #atOnce: LineProgram | undefined;
  readonly #nodeUs: number[] = [];
  readonly #cUs: number[] = [];
  readonly #rates: number[] = [];

  constructor(build: NativeBuild, directory: string, socket: string, atOnce: number) {
    const frames = new Frames(directory);
    const hello = frames.write(helloTo("test:///default"));
    const nothing = frames.write([]);
    const call = frames.write([callOf("domainGetInfo", { dom })]);
    const node = fileURLToPath(new URL("client-floor-node.ts", import.meta.url));
    this.#node = new LineProgram(process.execPath, [node, socket, hello, call]);
    const load = build.build("rpc-load", [], "gcc libc6-dev");
    const loads = (window: number): LineProgram | undefined =>
      load === undefined ? undefined : new LineProgram(load, [socket, 1, window, 0, hello, nothing, call]);
    this.#inTurn = loads(1);
    this.#atOnce = loads(atOnce);
  }

  async warmUp(): Promise<void> {
    await this.#node.round("2000");
  }

  async round(calls: number, rateMs: number): Promise<void> {
    const [ns = Number.NaN] = await this.#node.round(String(calls));
    this.#nodeUs.push(ns / 1e3);
    const [done = 1, , took = 0] = (await this.#inTurn?.round(String(-calls))) ?? [];
    if (took > 0) this.#cUs.push(took / done / 1e3);
    const [count = 0, , within = 0] = (await this.#atOnce?.round(String(rateMs))) ?? [];
    if (within > 0) this.#rates.push(count / (within / 1e9));
  }

  async close(): Promise<void> {
    for (const program of [this.#node, this.#inTurn, this.#atOnce]) await program?.close();
  }

  print(atOnce: number): void {
    const of = (values: readonly number[]): string => median(values).toPrecision(3);
    console.log(
      `without any library, info takes ${of(this.#nodeUs)} us from Node's sockets, ${of(this.#cUs)} us on average from C;`,
    );
    console.log(`with ${atOnce} at once libvirtd answers ${Math.round(median(this.#rates))} per s to C`);
  }
}
