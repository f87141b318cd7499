import { type Client, ErrorCode, ErrorDomain, type remote, VirError } from "../../protocol/index.ts";
import type { CallOptions, Stream } from "../../rpc/index.ts";
import type { Auth } from "./credentials.ts";
import { Scram, scramMechanisms } from "./scram.ts";

/** The calls of libvirt's that SASL goes by. */
export type SaslCalls = Pick<
  Client<typeof remote.procedures, CallOptions, Stream>,
  "authSaslInit" | "authSaslStart" | "authSaslStep"
>;

export interface LogInOptions {
  readonly auth: Auth | undefined;
  /** Nobody but the server hears what is said. */
  readonly isPrivate: boolean;
  /** Of each call. */
  readonly call: CallOptions;
}

interface Answer {
  readonly complete: number;
  readonly nil: number;
  readonly data: Uint8Array;
}

/**
 * Proves by SASL who we are: by SCRAM where the server has it, else by PLAIN, which tells the password itself and is kept
 * for connections that nobody else hears. Rejects with VirError: authUnavailable when there is no way that both know,
 * authFailed when the server does not take us, or is not who it says it is.
 */
export async function logIn(calls: SaslCalls, { auth, isPrivate, call }: LogInOptions): Promise<void> {
  const { mechlist } = await calls.authSaslInit({}, call);
  const offered = mechlist.split(/[\s,]+/).filter((name) => name !== "");
  const mechanism = choose(offered, isPrivate);
  if (auth === undefined) throw unavailable("the server asks who you are: open(uri, { auth: { user, password } })");
  const credentials = typeof auth === "function" ? await auth() : auth;
  const start = (text: string): Promise<Answer> =>
    calls.authSaslStart({ mech: mechanism, nil: 0, data: bytesOf(text) }, call);
  if (mechanism === "PLAIN") return checkComplete(await start(`\0${credentials.user}\0${credentials.password}`));
  const scram = new Scram(mechanism, credentials);
  const first = await start(scram.first);
  const second = await calls.authSaslStep({ nil: 0, data: bytesOf(await scram.final(textOf(first))) }, call);
  scram.check(textOf(second));
  // Some have nothing more to say than that it was well.
  checkComplete(second.complete === 0 ? await calls.authSaslStep({ nil: 0, data: bytesOf("") }, call) : second);
}

function choose(offered: readonly string[], isPrivate: boolean): string {
  const mechanism = [...scramMechanisms, "PLAIN"].find((name) => offered.includes(name));
  if (mechanism === undefined) {
    const known = [...scramMechanisms, "PLAIN"].join(", ");
    throw unavailable(`the server has SASL's ${offered.join(", ") || "no mechanism"}; here there are ${known}`);
  }
  if (mechanism !== "PLAIN" || isPrivate) return mechanism;
  throw unavailable("the server wants the password itself, and others could hear it: use tls, ssh or a Unix socket");
}

function checkComplete({ complete }: Answer): void {
  if (complete === 0) throw VirError.of(ErrorCode.authFailed, ErrorDomain.auth, "the server is not content with that");
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf({ data, nil }: Answer): string {
  return nil === 0 ? new TextDecoder().decode(data) : "";
}

function unavailable(detail: string): VirError {
  return VirError.of(ErrorCode.authUnavailable, ErrorDomain.auth, detail);
}
