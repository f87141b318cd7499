import { Admin, type AdminCallOptions } from "../client/index.ts";
import { Loop, TimerHost } from "../event/index.ts";
import { nodeTimers } from "../net/node-timers.ts";
import { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
import { ownSurroundings } from "./client-config.ts";
import { raise, reachSocket } from "./open.ts";
import { adminSocketsFor } from "./sockets.ts";
import { parseUri } from "./uri.ts";

/**
 * Opens a daemon's administration: `virtwright:///system` is ours, `libvirtd:///system` libvirt's, `virtqemud:///session`
 * its one for a driver; `?socket=PATH` is where it is. Without a URI it is LIBVIRT_ADMIN_DEFAULT_URI, or the first that is
 * there: ours, libvirtd.
 *
 *     await using admin = await openAdmin("virtwright:///system");
 *
 * Rejects with VirError: invalidArg for a URI that is none, systemError when nobody can be reached.
 */
export async function openAdmin(uri?: string, options: AdminCallOptions = {}): Promise<Admin> {
  const around = ownSurroundings();
  const said = uri ?? around.env["LIBVIRT_ADMIN_DEFAULT_URI"];
  const parsed = said === undefined || said === "" ? undefined : parseUri(said);
  if (parsed !== undefined && parsed.transport !== "unix") {
    const detail = `${said}: an administration is reached by its Unix socket alone`;
    throw VirError.of(ErrorCode.invalidArg, ErrorDomain.admin, detail);
  }
  const loop = new Loop(new TimerHost(nodeTimers), { onError: raise });
  const sockets = adminSocketsFor(parsed, around);
  return Admin.open({ loop, name: null, connect: (signal) => reachSocket(loop, sockets, signal) }, options);
}
