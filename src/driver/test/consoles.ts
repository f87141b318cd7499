import { StateError } from "../../event/index.ts";
import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { Stream } from "../../rpc/index.ts";
import type { Element } from "../../xml/index.ts";
import type { DriverProcedures } from "../driver.ts";
import { checkFlags, has, internal } from "./failure.ts";
import type { Guest } from "./guest.ts";
import type { Hypervisor } from "./hypervisor.ts";
import { Terminal } from "./terminal.ts";

/** virDomainConsoleFlags; one at a time is what there is, so `safe` asks for nothing more. */
const flag = { force: 1, safe: 2 };

/** A console that somebody has. */
interface Session {
  readonly stream: Stream;
}

/** The consoles of the domains: streams to guests that are not there. One has each at a time. */
export function consoleProcedures(hypervisor: Hypervisor): DriverProcedures {
  const sessions = new Map<string, Session>();
  const checkFree = (key: string, force: boolean): void => {
    if (sessions.has(key) && !force) throw busy();
  };
  return {
    domainOpenConsole: ({ dom, devName, flags }) => {
      checkFlags(flags, flag.force | flag.safe, "testDomainOpenConsole");
      const guest = hypervisor.of(dom);
      guest.checkActive();
      const { uuid, name, id } = guest;
      const key = `${uuid} ${findConsole(guest, devName)}`;
      const force = has(flags, flag.force);
      checkFree(key, force);
      // Nothing is taken before the reply has left: without one nobody would give it back.
      const serve = async (stream: Stream): Promise<void> => {
        const now = hypervisor.find(uuid);
        if (now?.isActive !== true || now.id !== id) return stream.finish();
        checkFree(key, force);
        sessions.get(key)?.stream.abort(takenOver());
        const session = { stream };
        sessions.set(key, session);
        const release = (): void => {
          if (sessions.get(key) === session) sessions.delete(key);
        };
        const forget = hypervisor.runEndings.add(uuid, () => {
          release();
          // Whoever serves it sees the end, and waits for the client's.
          stream.finish().catch(() => {});
        });
        try {
          await converse(stream, new Terminal(name));
        } finally {
          forget();
          release();
        }
      };
      return { ret: undefined, serve };
    },
  };
}

/** Until the client has enough, or the run ends. */
async function converse(stream: Stream, terminal: Terminal): Promise<void> {
  try {
    await stream.write(terminal.banner);
    for await (const bytes of stream) {
      const shown = terminal.type(bytes);
      if (shown.length > 0) await stream.write(shown);
    }
  } catch (error) {
    // Either end has finished meanwhile, and what was to be shown is for nobody.
    if (!(error instanceof StateError)) throw error;
  }
  await stream.finish();
}

/** The device's alias, as it would be: those of the test hypervisor have none. A first console is the first serial port. */
function findConsole({ definition }: Guest, name: string | null): string {
  const devices = definition.root.first("devices");
  const all = (kind: string): [string, Element][] =>
    (devices?.all(kind) ?? []).map((each, at) => [each.first("alias")?.attribute("name") ?? `${kind}${at}`, each]);
  const [serials, consoles] = [all("serial"), all("console")];
  const named = [...consoles, ...serials, ...all("parallel")].find(([alias]) => alias === name);
  const [firstConsole] = consoles;
  const isSerial = (firstConsole?.[1].first("target")?.attribute("type") ?? "serial") === "serial";
  const first = isSerial ? (serials[0] ?? firstConsole) : firstConsole;
  const found = name === null ? first : named;
  if (found === undefined) throw internal(`cannot find console device '${name ?? "default"}'`);
  const [alias, device] = found;
  if ((device.attribute("type") ?? "pty") !== "pty") throw internal(`character device ${alias} is not using a PTY`);
  return alias === "console0" && isSerial && serials.length > 0 ? "serial0" : alias;
}

function busy(): VirError {
  return VirError.of(ErrorCode.operationFailed, ErrorDomain.test, "Active console session exists for this domain");
}

/** libvirt's words to those who lose theirs. */
function takenOver(): VirError {
  return VirError.of(ErrorCode.rpc, ErrorDomain.streams, "stream had I/O failure");
}
