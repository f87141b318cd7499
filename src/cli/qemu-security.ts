import type { SecurityPolicy } from "../driver/qemu/index.ts";
import { findUser, groupId, ownIdentity, type UserIdentity } from "../os/index.ts";
import type { DaemonConfig } from "./config/daemon-config.ts";
import { UsageError } from "./usage-error.ts";

type Settings = Pick<DaemonConfig, "qemu_user" | "qemu_group" | "dynamic_ownership">;

/** Whom Debian's libvirt runs QEMU as. */
const defaultUser = "libvirt-qemu";

export interface ResolvedSecurity {
  readonly security: SecurityPolicy;
  /** What whoever runs the daemon should know of it. */
  readonly warnings: readonly string[];
}

/**
 * As whom QEMU is to run: the user that the file names, else libvirt's own, else the daemon's. Only the system's daemon, as
 * root, can be another. Throws UsageError when there is no such user or group.
 */
export function resolveSecurity(settings: Settings, uri: string): ResolvedSecurity {
  const { qemu_user, qemu_group, dynamic_ownership } = settings;
  const own = ownIdentity();
  if (own.uid !== 0 || uri !== "qemu:///system") {
    const isVain = qemu_user !== "" || qemu_group !== "";
    const warnings = isVain
      ? ["qemu_user and qemu_group mean nothing here: only the system's daemon changes to other users"]
      : [];
    return { security: { user: own, isPrivileged: false, givesFiles: false }, warnings };
  }
  const privileged = { isPrivileged: true, givesFiles: dynamic_ownership === 1 };
  if (qemu_user === "" && qemu_group === "" && findUser(defaultUser) === undefined)
    return { security: { user: own, ...privileged }, warnings: [asRoot] };
  return { security: { user: named(qemu_user, qemu_group), ...privileged }, warnings: [] };
}

const asRoot =
  `guests run as root, as there is no user ${defaultUser}: create it ` +
  `(adduser --system --group --no-create-home ${defaultUser}) and restart, or say qemu_user = "root"`;

function named(user: string, group: string): UserIdentity {
  const name = user === "" ? defaultUser : user;
  const number = numberIn(name);
  const found = findUser(number ?? name);
  const uid = found?.uid ?? number;
  if (uid === undefined) throw new UsageError(`qemu_user: no user named ${name}: create it, or choose another`);
  // libvirt's own user has another group of its own than the one that its guests get.
  const gid = user === "" && group === "" ? (gidOf(defaultUser) ?? found?.gid) : gidOf(group, found);
  if (gid === undefined) throw new UsageError(missingGroup(group, name));
  return { uid, gid, hasAccount: found !== undefined };
}

function missingGroup(group: string, user: string): string {
  return group === ""
    ? `qemu_group: ${user} is a number without an account: say which group, too`
    : `qemu_group: no group named ${group}: create it, or choose another`;
}

/** An empty name means the user's own. */
function gidOf(group: string, user?: UserIdentity): number | undefined {
  if (group === "") return user?.gid;
  try {
    return groupId(numberIn(group) ?? group);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** "+64055", as in libvirt's qemu.conf. */
function numberIn(text: string): number | undefined {
  return /^\+\d{1,9}$/.test(text) ? Number(text) : undefined;
}
