import type { ByteChannel, Connection } from "../../open/index.ts";
import { type BytesOfConsole, ConsoleTerminal } from "../console-terminal.ts";
import type { Around } from "./around.ts";
import { findDomain } from "./lookup.ts";
import { type Given, PlainFailure } from "./verb.ts";

/** A domain's console in this terminal, until it ends or Ctrl-] is typed. */
export async function openConsole(connection: Connection, given: Given, where: Around): Promise<string> {
  const { input, output } = where;
  if (!input.isTTY) throw new PlainFailure("Cannot run interactive console without a controlling TTY");
  const domain = await findDomain(connection, given.need("domain"));
  if (!(await domain.isActive())) throw new PlainFailure("The domain is not running");
  where.out(`Connected to domain '${domain.name}'\nEscape character is ^] (Ctrl + ])\n`);
  const flags = given.words({ force: "force", safe: "safe" } as const);
  await using channel = await domain.openConsole(given.text("devname") ?? null, { flags });
  using terminal = new ConsoleTerminal({ input, output });
  try {
    await Promise.race([terminal.show(bytesOf(channel)), terminal.left]);
  } finally {
    channel.abort();
  }
  return "";
}

/** A channel as a terminal wants it. */
export function bytesOf(channel: ByteChannel): BytesOfConsole {
  const writer = channel.writable.getWriter();
  return {
    write: (bytes) => writer.write(bytes),
    [Symbol.asyncIterator]: () => channel.readable[Symbol.asyncIterator](),
  };
}
