import type { Transport } from "../../../event/index.ts";
import type { Definition, Domain } from "../../../model/index.ts";
import { connectUnix } from "../../../os/index.ts";
import { ErrorCode, ErrorDomain, VirError, type Domain as WireDomain } from "../../../protocol/index.ts";
import type { Stream } from "../../../rpc/index.ts";
import type { Element } from "../../../xml/index.ts";
import type { DriverProcedures, ServeStream } from "../../driver.ts";
import { Sessions } from "../console/sessions.ts";
import { TerminalTransport } from "../console/terminal-transport.ts";
import { devicesOf } from "../devices-of.ts";
import { notRunning, toVirError } from "../errors.ts";
import type { Guests } from "../guests.ts";
import { check, has } from "./asked.ts";

/** virDomainConsoleFlags and virDomainChannelFlags; one at a time is what there is, so `safe` asks for nothing more. */
const flag = { force: 1, safe: 2 };

const busyConsole = "Active console session exists for this domain";
const busyChannel = "Active channel stream exists for this domain";

/** Consoles and channels of guests that run, as streams. */
export function consoleProcedures(guests: Guests): DriverProcedures {
  const sessions = new Sessions();
  const open = (
    dom: WireDomain,
    force: boolean,
    busy: string,
    find: (definition: Definition) => { alias: string; connect: () => Transport },
  ): { ret: undefined; serve: ServeStream } => {
    const domain: Domain = guests.domains.byUuid(dom.uuid, dom.name);
    const run = guests.runOf(domain);
    if (run === undefined || domain.definition === undefined) throw notRunning();
    const { alias, connect } = find(domain.definition);
    const key = `${domain.uuid} ${alias}`;
    sessions.checkFree(key, force, busy);
    // Nothing is taken before the reply has left: without one nobody would give it back.
    const serve = async (stream: Stream): Promise<void> => {
      if (guests.runOf(domain) !== run) return stream.finish();
      sessions.checkFree(key, force, busy);
      await sessions.serve(key, stream, reach(connect));
    };
    return { ret: undefined, serve };
  };
  return {
    domainOpenConsole: ({ dom, devName, flags }) => {
      check(flags, flag.force | flag.safe, "qemuDomainOpenConsole");
      return open(dom, has(flags, flag.force), busyConsole, (definition) => {
        const { alias, device } = findConsole(definition, devName);
        if (device.attribute("type") !== "pty") throw internal(`character device ${alias} is not using a PTY`);
        const path = device.first("source")?.attribute("path") ?? "";
        return { alias, connect: () => new TerminalTransport(guests.loop, path) };
      });
    },
    domainOpenChannel: ({ dom, name, flags }) => {
      check(flags, flag.force, "qemuDomainOpenChannel");
      return open(dom, has(flags, flag.force), busyChannel, (definition) => {
        const channels = devicesOf(definition, "channel");
        const at = name === null ? 0 : channels.findIndex((each) => each.first("target")?.attribute("name") === name);
        const channel = channels[at];
        if (channel === undefined) throw internal(`cannot find channel ${name ?? "default"}`);
        const shown = name ?? channel.first("target")?.attribute("name") ?? "";
        if (channel.attribute("type") !== "unix") throw internal(`channel ${shown} is not using a UNIX socket`);
        const path = channel.first("source")?.attribute("path") ?? "";
        return { alias: `channel${at}`, connect: () => connectUnix(guests.loop, path) };
      });
    },
  };
}

function reach(connect: () => Transport): Transport {
  try {
    return connect();
  } catch (error) {
    throw toVirError(error);
  }
}

/** A first console is the first serial port, whichever of the two is asked for. */
function findConsole(definition: Definition, name: string | null): { alias: string; device: Element } {
  const all = (kind: string): { alias: string; device: Element }[] =>
    devicesOf(definition, kind).map((device, at) => ({
      alias: device.first("alias")?.attribute("name") ?? `${kind}${at}`,
      device,
    }));
  const [serials, consoles, parallels] = [all("serial"), all("console"), all("parallel")];
  const isTwin = (consoles[0]?.device.first("target")?.attribute("type") ?? "serial") === "serial";
  const first = (isTwin ? serials[0] : undefined) ?? consoles[0] ?? serials[0] ?? parallels[0];
  const found = name === null ? first : [...serials, ...consoles, ...parallels].find(({ alias }) => alias === name);
  if (found !== undefined) return found;
  throw internal(`cannot find console device '${name ?? "default"}'`);
}

function internal(detail: string): VirError {
  return VirError.of(ErrorCode.internalError, ErrorDomain.qemu, detail);
}
