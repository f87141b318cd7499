import { randomBytes, timingSafeEqual } from "node:crypto";
import { type Credential, credentialToTry, hmac, sha256, type UserTable } from "./credential.ts";
import { type Answer, type Mechanism, RefusedError } from "./mechanism.ts";

interface Opening {
  readonly user: string;
  readonly credential: Credential;
  /** What the client's last message has to repeat. */
  readonly binding: string;
  readonly nonce: string;
  /** Both first messages, as they are signed. */
  readonly text: string;
}

/**
 * RFC 5802 and 7677, SCRAM-SHA-256 without channel binding: the password is proved, not sent, and so is to the client that
 * we know it. Each attempt has a number of its own, so that a proof counts once.
 *
 *     new -> opened -> over
 */
export class Scram implements Mechanism {
  readonly #users: UserTable;
  readonly #draw: () => string;
  #opening: Opening | undefined;
  #isOver = false;

  constructor(users: UserTable, draw: () => string = () => randomBytes(18).toString("base64")) {
    this.#users = users;
    this.#draw = draw;
  }

  step(data: Uint8Array): Answer {
    const text = Buffer.from(data).toString("utf8");
    if (this.#isOver) throw new RefusedError("this attempt is over");
    if (this.#opening === undefined) return this.#open(text);
    this.#isOver = true;
    return this.#finish(text, this.#opening);
  }

  #open(text: string): Answer {
    const first = /^([ny],(?:a=([^,]*))?,)(n=([^,]+),r=([!-+\--~]+)(?:,.*)?)$/.exec(text);
    if (first === null) throw new RefusedError("its first message is none of SCRAM's");
    const [, binding = "", actingFor = "", bare = "", escaped = "", theirs = ""] = first;
    const user = unescape(escaped);
    if (actingFor !== "" && unescape(actingFor) !== user)
      throw new RefusedError(`'${user}' may not act for '${unescape(actingFor)}'`);
    const credential = credentialToTry(this.#users, user);
    const nonce = theirs + this.#draw();
    const answer = `r=${nonce},s=${base64(credential.salt)},i=${credential.iterations}`;
    this.#opening = { user, credential, binding, nonce, text: `${bare},${answer}` };
    return { data: Buffer.from(answer) };
  }

  #finish(text: string, { user, credential, binding, nonce, text: opening }: Opening): Answer {
    const last = /^(c=([A-Za-z\d+/=]+),r=([!-+\--~]+)(?:,[^p].*)?),p=([A-Za-z\d+/=]+)$/.exec(text);
    const [, bare = "", bound = "", repeated = "", proof = ""] = last ?? [];
    if (repeated !== nonce || bound !== base64(Buffer.from(binding)))
      throw new RefusedError(`its last message does not belong to this attempt, as '${user}'`);
    const signed = `${opening},${bare}`;
    const signature = hmac(credential.storedKey, signed);
    const given = Buffer.from(proof, "base64");
    const key = Buffer.from(signature.map((byte, index) => byte ^ (given[index] ?? 0)));
    const isRight = timingSafeEqual(sha256(key), credential.storedKey) && given.length === signature.length;
    if (!isRight) throw new RefusedError(`a wrong name or password, as '${user}'`);
    return { data: Buffer.from(`v=${base64(hmac(credential.serverKey, signed))}`), user };
  }
}

function unescape(name: string): string {
  if (/=(?!2C|3D)/.test(name)) throw new RefusedError("a name that is written in a way that SCRAM has not");
  return name.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
