import { isAbsolute, join } from "node:path";
import { meantUri, ownSurroundings, type Surroundings } from "./client-config.ts";
import { type ConnectionUri, parseUri } from "./uri.ts";

/** libvirt's own daemon for each driver. */
const daemons: Readonly<Record<string, string>> = {
  qemu: "virtqemud",
  xen: "virtxend",
  lxc: "virtlxcd",
  vbox: "virtvboxd",
  ch: "virtchd",
  bhyve: "virtbhyved",
};

/**
 * Where daemons of this machine that have this hypervisor would listen, whether any does or not. None when the URI says
 * itself where to go. Throws VirError for a URI that is none.
 */
export function daemonSockets(uri: string | undefined): readonly string[] {
  const around = ownSurroundings();
  const parsed = parseUri(meantUri(uri, around));
  const isSaid = parsed.transport !== "unix" || parsed.params.socket !== undefined;
  return isSaid ? [] : socketsFor(parsed, false, around);
}

/** Paths of sockets on which this hypervisor may be served, the best first: ours, libvirt's for the driver, libvirtd's. */
export function socketsFor(uri: ConnectionUri, readOnly: boolean, around: Surroundings): string[] {
  const { socket, mode } = uri.params;
  if (socket !== undefined) return [socket];
  const runtime = isSession(uri, around) ? sessionRuntime(around) : "/run";
  const suffix = readOnly && !isSession(uri, around) ? "-ro" : "";
  const own = join(runtime, `virtwright/virtwright-sock${suffix}`);
  const libvirts = (daemon: string): string => join(runtime, `libvirt/${daemon}-sock${suffix}`);
  const daemon = daemons[uri.driver];
  const direct = daemon === undefined ? [] : [libvirts(daemon)];
  const legacy = [libvirts("libvirt")];
  if (mode === "direct") return direct;
  if (mode === "legacy") return legacy;
  return [own, ...direct, ...legacy];
}

/** The same of the administration of a daemon, whose name is the URI's driver; of none: of ours and of libvirtd. */
export function adminSocketsFor(uri: ConnectionUri | undefined, around: Surroundings): string[] {
  if (uri?.params.socket !== undefined) return [uri.params.socket];
  const isUsers = uri === undefined ? !around.isRoot : uri.path === "/session";
  const runtime = isUsers ? sessionRuntime(around) : "/run";
  const daemons = uri === undefined ? ["virtwright", "libvirtd"] : [uri.driver];
  return daemons.map((daemon) => {
    if (daemon === "virtwright") return join(runtime, "virtwright/virtwright-admin-sock");
    return join(runtime, `libvirt/${daemon === "libvirtd" ? "libvirt" : daemon}-admin-sock`);
  });
}

/** A user's daemon, not the machine's. The simulator is the machine's for root alone. */
function isSession({ path, driver }: ConnectionUri, { isRoot }: Surroundings): boolean {
  return path === "/session" || (driver === "test" && !isRoot);
}

/** As the XDG Base Directory specification and libvirt have it. */
function sessionRuntime({ env, home }: Surroundings): string {
  for (const [name, fallback] of [
    ["XDG_RUNTIME_DIR", ""],
    ["XDG_CACHE_HOME", join(home, ".cache")],
  ] as const) {
    const given = env[name] ?? "";
    if (isAbsolute(given)) return given;
    if (fallback !== "") return fallback;
  }
  return join(home, ".cache");
}
