import type { Loop } from "../../../src/event/index.ts";
import { connectUnix } from "../../../src/os/index.ts";
import { type Call, type Program, remote, VirError } from "../../../src/protocol/index.ts";
import { type CallOptions, Connection, clientOf, Stream } from "../../../src/rpc/index.ts";
import { plausibleArgs } from "./plausible.ts";

type AnyCall = (args: unknown, options: CallOptions) => Promise<unknown>;

/** How a call was answered. */
export type Answer =
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "error"; readonly code: number; readonly domain: number; readonly message: string }
  /** The connection has ended instead, or nothing came in time. */
  | { readonly kind: "nothing"; readonly message: string };

/** Calls a procedure with plausible arguments on a connection of its own to a hypervisor that it opens. */
export async function probe(loop: Loop, socket: string, program: Program, name: string): Promise<Answer> {
  const connection = new Connection(loop, connectUnix(loop, socket));
  connection.open({ onClose: () => {} });
  const session = clientOf(connection, remote);
  try {
    await session.authList({});
    await session.connectOpen({ name: "test:///default", flags: 0 });
    const calls = clientOf(connection, program) as Readonly<Record<string, AnyCall | undefined>>;
    const { args } = program.procedures[name] as Call;
    const reply: unknown = await calls[name]?.(plausibleArgs(name, args.fields), { timeoutMs: deadlineMs });
    return { kind: "result", result: withoutStream(reply) };
  } catch (error) {
    if (!(error instanceof VirError)) return { kind: "nothing", message: String(error) };
    const { code, domain, message } = error;
    return { kind: "error", code, domain, message };
  } finally {
    // libvirtd forgets its test hypervisor before it answers. It has hung up on some who did what they must not.
    await session.connectClose({}, { timeoutMs: deadlineMs }).catch(() => {});
    connection.close();
  }
}

const deadlineMs = 5_000;

function withoutStream(reply: unknown): unknown {
  if (typeof reply !== "object" || reply === null || !("stream" in reply)) return reply;
  if (!(reply.stream instanceof Stream)) return reply;
  reply.stream.abort();
  return "ret" in reply ? reply.ret : undefined;
}
