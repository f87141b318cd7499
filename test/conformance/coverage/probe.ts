import type { Loop } from "../../../src/event/index.ts";
import { connectUnix } from "../../../src/os/index.ts";
import { type Call, type Program, remote, VirError } from "../../../src/protocol/index.ts";
import { type CallOptions, Connection, clientOf, Stream } from "../../../src/rpc/index.ts";
import { plausibleArgs } from "./plausible.ts";

/** How a call was answered. */
export type Answer =
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "error"; readonly code: number; readonly domain: number; readonly message: string }
  /** The connection has ended instead, or nothing came in time. */
  | { readonly kind: "nothing"; readonly message: string };

type AnyCall = (args: unknown, options: CallOptions) => Promise<unknown>;

const deadlineMs = 5_000;

/** A connection to a test hypervisor, to be asked anything. */
export class Prober {
  readonly #connection: Connection;

  constructor(loop: Loop, socket: string) {
    this.#connection = new Connection(loop, connectUnix(loop, socket));
    this.#connection.open({ onClose: () => {} });
  }

  async open(flags = 0): Promise<void> {
    const session = clientOf(this.#connection, remote);
    await session.authList({});
    await session.connectOpen({ name: "test:///default", flags });
  }

  /** Calls a procedure with plausible arguments, of which some may be given. */
  async ask(program: Program, name: string, given: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    const calls = clientOf(this.#connection, program) as Readonly<Record<string, AnyCall | undefined>>;
    const { args } = program.procedures[name] as Call;
    try {
      const reply = await calls[name]?.({ ...plausibleArgs(name, args.fields), ...given }, { timeoutMs: deadlineMs });
      return { kind: "result", result: withoutStream(reply) };
    } catch (error) {
      if (!(error instanceof VirError)) return { kind: "nothing", message: String(error) };
      const { code, domain, message } = error;
      return { kind: "error", code, domain, message };
    }
  }

  async close(): Promise<void> {
    // libvirtd forgets its test hypervisor before it answers. It has hung up on some who did what they must not.
    await this.ask(remote, "connectClose");
    this.#connection.close();
  }
}

/** Calls a procedure with plausible arguments on a connection of its own. */
export async function probe(loop: Loop, socket: string, program: Program, name: string): Promise<Answer> {
  const prober = new Prober(loop, socket);
  try {
    await prober.open();
    return await prober.ask(program, name);
  } finally {
    await prober.close();
  }
}

function withoutStream(reply: unknown): unknown {
  if (typeof reply !== "object" || reply === null || !("stream" in reply)) return reply;
  if (!(reply.stream instanceof Stream)) return reply;
  reply.stream.abort();
  return "ret" in reply ? reply.ret : undefined;
}
