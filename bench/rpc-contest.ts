import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LineProgram } from "./native.ts";
import type { Board } from "./rpc-board.ts";
import { callOf, Frames, helloTo } from "./rpc-frames.ts";
import { Libvirtd, Ours, residentMib, type Subject } from "./rpc-subjects.ts";

/** The system's, which has libvirt's bindings. */
export const python = "/usr/bin/python3";
export const uri = "test:///default";

/** What rpc-load is to do. */
export interface Load {
  readonly connections: number;
  /** Calls under way on each of them. */
  readonly window: number;
  /** Further connections, which hear of each call as an event. */
  readonly subscribers?: number;
  /** In turn. */
  readonly calls: readonly Uint8Array[];
  /** Of ours and of libvirtd's hypervisor; default: the test hypervisor. */
  readonly uris?: readonly [string, string];
}

/** Calls (0) or events (1) in the answer of rpc-load. */
export type Figure = 0 | 1;

/** Programs of the same kind, one for ours and one for libvirtd. */
export class Rivals {
  readonly #programs: readonly LineProgram[];

  constructor(programs: readonly LineProgram[]) {
    this.#programs = programs;
  }

  /** One after the other, so that neither disturbs the other. */
  async round(request: string): Promise<{ ours: number[]; libvirtd: number[] }> {
    const results: number[][] = [];
    for (const program of this.#programs) results.push(await program.round(request));
    const [ours = [], libvirtd = []] = results;
    return { ours, libvirtd };
  }

  async close(): Promise<void> {
    for (const program of this.#programs) await program.close();
  }
}

/** The two daemons, what is run against them, and where the results go. */
export class Contest {
  readonly board: Board;
  readonly directory: string;
  readonly ours: Ours;
  readonly libvirtd: Libvirtd;
  readonly #load: string;
  readonly #frames: Frames;

  /** `load` is the program rpc-load. */
  constructor(board: Board, load: string, directory: string) {
    this.board = board;
    this.directory = directory;
    this.#load = load;
    this.#frames = new Frames(directory);
    this.ours = new Ours(directory);
    this.libvirtd = new Libvirtd(join(directory, "libvirtd"));
  }

  async both<T>(work: (subject: Subject) => Promise<T>): Promise<{ ours: T; libvirtd: T }> {
    return { ours: await work(this.ours), libvirtd: await work(this.libvirtd) };
  }

  /** libvirt's own client. */
  clients(): Rivals {
    const main = fileURLToPath(new URL("./rpc-client.py", import.meta.url));
    const address = ({ socket }: Subject) => `test+unix:///default?socket=${socket}`;
    return new Rivals(this.#subjects.map((each) => new LineProgram(python, [main, address(each)])));
  }

  loads(load: Load): Rivals {
    return new Rivals(this.#subjects.map((subject) => this.load(subject, load)));
  }

  load(subject: Subject, { connections, window, subscribers = 0, calls, uris = [uri, uri] }: Load): LineProgram {
    const hello = helloTo(uris[this.#subjects.indexOf(subject)] ?? uri);
    const subscribe = callOf("connectDomainEventCallbackRegisterAny", { eventId: 0, dom: null });
    const files = [hello, [subscribe], calls].map((each) => this.#frames.write(each));
    return new LineProgram(this.#load, [subject.socket, connections, window, subscribers, ...files]);
  }

  /** Adds how many there were in each second of a round. */
  async rate(name: string, rivals: Rivals, request: string, figure: Figure = 0): Promise<void> {
    const { ours, libvirtd } = await rivals.round(request);
    this.board.add(name, "per s", { ours: perSecond(ours, figure), libvirtd: perSecond(libvirtd, figure) });
  }

  /** Adds how long a call took in a round. */
  async duration(name: string, rivals: Rivals, request: string): Promise<void> {
    const { ours, libvirtd } = await rivals.round(request);
    this.board.add(name, "ms", { ours: 1e3 / perSecond(ours), libvirtd: 1e3 / perSecond(libvirtd) });
  }

  noteMemory(name: string): void {
    const [ours = 0, libvirtd = 0] = this.#subjects.map((subject) => residentMib(subject.pid()));
    this.board.add(name, "MiB", { ours, libvirtd });
  }

  /** What our event loop went through since the last time. */
  async noteDelay(name: string): Promise<void> {
    const [p999 = 0, delay = 0, stretch = 0] = await this.ours.delays();
    this.board.addDelay(name, { p999, delay, stretch });
  }

  async close(): Promise<void> {
    await this.both((subject) => subject.stop());
  }

  get #subjects(): readonly [Subject, Subject] {
    return [this.ours, this.libvirtd];
  }
}

export function perSecond(answer: readonly number[], figure: Figure = 0): number {
  return (answer[figure] ?? 0) / ((answer[2] ?? 0) / 1e9);
}
