import { mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Loop, Transport } from "../../event/index.ts";
import { connectUnix, isSocketServed, openLoop } from "../../os/index.ts";
import { pairInMemory } from "../../rpc/index.ts";
import { Logger } from "../log/logger.ts";
import { type GuestPlaces, makeDirectories, sessionPlaces, systemPlaces, trialPlaces } from "../places.ts";
import { qemuAdvice, Service } from "../service.ts";
import { UsageError } from "../usage-error.ts";
import { HypervisorSession } from "./hypervisor-session.ts";

export interface Wanted {
  /** A hypervisor's URI, with its transport; undefined: the daemon here or, without one, none. */
  readonly connect: string | undefined;
  /** Where guests have their files, and perhaps a daemon its socket. */
  readonly directory: string | undefined;
  /** Nothing is to be left when it is closed: without a daemon the guest gets a place of its own. */
  readonly isPassing: boolean;
}

/** A hypervisor, and how it was reached; closing lets go of it. */
export interface Reached extends AsyncDisposable {
  readonly session: HypervisorSession;
  /** Where files go that belong to a guest. */
  readonly guestDirectory: string;
  /** What virsh has to be told to come here too; undefined when it cannot. */
  readonly address: string | undefined;
}

/** Where things are when somebody has not said. */
interface Places {
  readonly guests: GuestPlaces;
  readonly socket: string;
  readonly directories: readonly (readonly [path: string, mode: number])[];
}

const isRoot = process.getuid?.() === 0;
const ownUri = isRoot ? "qemu:///system" : "qemu:///session";

/** Rejects with UsageError or VirError, and then nothing is left. */
export async function reach(wanted: Wanted): Promise<Reached> {
  await using parts = new AsyncDisposableStack();
  const loop = parts.use(openLoop());
  const places = placesOf(wanted);
  const guestDirectory = join(dirname(places.guests.stateDir), "seed");
  if (wanted.connect !== undefined) {
    const { uri, socket } = readAddress(wanted.connect, places.socket);
    return finish(parts, await HypervisorSession.open(loop, connect(loop, socket), uri), guestDirectory, socket);
  }
  if (isSocketServed(places.socket)) {
    const session = await HypervisorSession.open(loop, connect(loop, places.socket), ownUri);
    return finish(parts, session, guestDirectory, places.socket);
  }
  const advice = qemuAdvice();
  if (advice !== undefined) throw new UsageError(advice);
  const home = wanted.isPassing ? passingPlaces(parts) : places;
  const session = await HypervisorSession.open(loop, await embed(loop, home, parts), ownUri);
  return finish(parts, session, wanted.isPassing ? home.guests.runDir : guestDirectory, home.socket);
}

function finish(
  parts: AsyncDisposableStack,
  session: HypervisorSession,
  guestDirectory: string,
  socket: string,
): Reached {
  parts.use(session);
  const kept = parts.move();
  return {
    session,
    guestDirectory,
    address: `${ownUri.replace(":", "+unix:")}?socket=${socket}`,
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** A driver and a daemon in this process; the daemon's socket is served too, for virsh and for the next one of us. */
async function embed(
  loop: Loop,
  { guests, socket, directories }: Places,
  parts: AsyncDisposableStack,
): Promise<Transport> {
  makeDirectories(directories);
  const logger = parts.use(new Logger({ level: 3, filters: [], outputs: [{ level: 3, kind: "stderr" }] }));
  const service = parts.use(
    await Service.open({ drivers: ["qemu"], uri: ownUri, places: guests, log: logger.write, loop }),
  );
  service.listen([{ path: socket, mode: 0o600 }]);
  const [near, far] = pairInMemory(loop);
  service.daemon.accept(near);
  return far;
}

function placesOf({ directory }: Wanted): Places {
  if (directory !== undefined) {
    const guests = trialPlaces(resolve(directory));
    return { guests, socket: guests.socket, directories: [] };
  }
  const guests = isRoot ? systemPlaces : sessionPlaces(process.env, homedir());
  return { guests, socket: join(guests.socketDir, "virtwright-sock"), directories: guests.directories };
}

function passingPlaces(parts: AsyncDisposableStack): Places {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-run-"));
  parts.defer(() => rmSync(directory, { recursive: true, force: true }));
  const guests = trialPlaces(directory);
  return { guests, socket: guests.socket, directories: [] };
}

/** "qemu+unix:///system?socket=/path"; without a socket ours, where it is served, else libvirt's. */
function readAddress(address: string, ourSocket: string): { readonly uri: string; readonly socket: string } {
  const match = /^(?<driver>[a-z]+)(?:\+(?<transport>[a-z]+))?:\/\/(?<path>\/[^?]*)(?:\?(?<query>.*))?$/.exec(address);
  const { driver = "", transport = "unix", path = "", query = "" } = match?.groups ?? {};
  if (match === null) throw new UsageError(`--connect ${address}: write it as in qemu:///system`);
  if (transport !== "unix") throw new UsageError(`--connect ${address}: only Unix sockets can be reached yet`);
  // A plus is one, and no blank.
  const given = new URLSearchParams(query.replaceAll("+", "%2B")).get("socket");
  const libvirts = path === "/session" ? sessionPlaces(process.env, homedir()).libvirtSocketDir : "/run/libvirt";
  const socket = given ?? (isSocketServed(ourSocket) ? ourSocket : join(libvirts, "libvirt-sock"));
  return { uri: `${driver}://${path}`, socket };
}

function connect(loop: Loop, socket: string): Transport {
  try {
    return connectUnix(loop, socket);
  } catch (error) {
    throw new UsageError(`nobody answers on ${socket}: ${(error as Error).message}`);
  }
}
