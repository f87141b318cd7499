/**
 * The program of a process that has a context of libxl: `main.ts ROLE LOG-LEVEL`, with a connected Unix socket as
 * descriptor 3. It ends when the other side has gone and what was begun is ended.
 */
import { openLoop, UnixTransport } from "../../os/index.ts";
import { close, duplicate } from "../../os/libc.ts";
import type { LogLevel } from "../log-line.ts";
import { openContext } from "../open-context.ts";
import { ContextServer } from "./context-server.ts";
import { encodeMessage, type Role } from "./wire.ts";

const [, , role = "observer", logLevel = "notice"] = process.argv as [string, string, Role?, LogLevel?];
const loop = openLoop();
// libxl's own children would inherit descriptor 3, and hold the connection open.
const socket = duplicate(3);
close(3);
const transport = new UnixTransport(loop, socket);
await serve();
await loop.close();

async function serve(): Promise<void> {
  let server: ContextServer | undefined;
  try {
    await using context = openContext(loop, { logLevel, onLog: (line) => server?.log(line) });
    server = new ContextServer(context, role, transport);
    server.open();
    await server.ended;
  } catch (error) {
    if (server !== undefined) throw error;
    transport.open({ onData: () => {}, onClose: () => {} });
    transport.send(encodeMessage({ type: "failed", message: error instanceof Error ? error.message : String(error) }));
    transport.close();
  }
}
