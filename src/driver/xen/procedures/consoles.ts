import type { Domain } from "../../../model/index.ts";
import type { Stream } from "../../../rpc/index.ts";
import type { DriverProcedures } from "../../driver.ts";
import { Sessions } from "../../qemu/console/sessions.ts";
import { TerminalTransport } from "../../qemu/console/terminal-transport.ts";
import { internal, notRunning, toVirError } from "../errors.ts";
import { checkNotZero, type Guests } from "../guests.ts";
import { check, has } from "./asked.ts";

/** virDomainConsoleFlags. */
const force = 1;
const busy = "Active console session exists for this domain";

/** The console of a guest that runs, as a stream: Xen's for guests that know Xen, else the serial port's. */
export function consoleProcedures(guests: Guests): DriverProcedures {
  const sessions = new Sessions();
  return {
    domainOpenConsole: async ({ dom, devName, flags }) => {
      check(flags, force, "libxlDomainOpenConsole");
      const domain: Domain = guests.domains.byUuid(dom.uuid, dom.name);
      checkNotZero(domain);
      const run = guests.runOf(domain);
      if (run === undefined) throw notRunning();
      if (devName !== null && !/^(console|serial)0$/.test(devName)) {
        throw internal(`cannot find console device '${devName}'`);
      }
      const path = await guests.xen.consolePath(run.domid).catch((error: unknown) => {
        throw toVirError(error, `find the console of domain '${run.domid}'`);
      });
      if (guests.runOf(domain) !== run) throw notRunning();
      sessions.checkFree(domain.uuid, has(flags, force), busy);
      const serve = async (stream: Stream): Promise<void> => {
        if (guests.runOf(domain) !== run) return stream.finish();
        sessions.checkFree(domain.uuid, has(flags, force), busy);
        await sessions.serve(domain.uuid, stream, new TerminalTransport(guests.loop, path));
      };
      return { ret: undefined, serve };
    },
  };
}
