import type { Identity } from "../driver/driver.ts";
import type { PolkitSubject } from "./polkit/polkit.ts";

/** Who is behind a connection, as far as it is known, and how they have come in. */
export interface Principal {
  readonly door: "unix" | "tcp" | "tls" | "websocket" | "memory";
  /** As the kernel tells it, by a Unix socket alone. */
  readonly identity?: Identity | undefined;
  /** Clock ticks from boot to the start of that process; known where polkit may be asked about it. */
  readonly startTime?: number | undefined;
  /** The user's other groups, as the kernel tells them. */
  readonly groups?: readonly number[] | undefined;
  /** The distinguished name in a certificate that has been verified. */
  readonly certificate?: string | undefined;
  /** The name under which they have logged in. */
  readonly user?: string | undefined;
  /** "192.0.2.1:50000", of a port. */
  readonly address?: string | undefined;
}

/** For polkit; undefined where nobody knows which process it is. */
export function subjectOf({ identity, startTime }: Principal): PolkitSubject | undefined {
  return identity === undefined || startTime === undefined
    ? undefined
    : { pid: identity.pid, startTime, uid: identity.uid };
}

/** For logs and records: the surest that is known. */
export function describePrincipal({ identity, certificate, user, address }: Principal): string {
  const from = address === undefined ? "" : ` from ${address}`;
  if (user !== undefined) return `user '${user}'${from}`;
  if (certificate !== undefined) return `certificate '${certificate}'${from}`;
  if (identity !== undefined) return `user ${identity.uid}, process ${identity.pid}`;
  return `somebody${from}`;
}

/** The same for the same user, whatever the connection; nobody can make it look like another's. */
export function keyOf({ identity, certificate, user }: Principal): string {
  if (user !== undefined) return `user ${user}`;
  if (certificate !== undefined) return `certificate ${certificate}`;
  return identity === undefined ? "nobody" : `uid ${identity.uid}`;
}
