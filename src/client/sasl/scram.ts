import { ErrorCode, ErrorDomain, VirError } from "../../protocol/index.ts";
import type { Credentials } from "./credentials.ts";

/** Rounds that a server may ask for: fewer protect nobody, more only keep us busy (RFC 7677 has at least 4,096). */
const rounds = { fewest: 4_096, most: 10_000_000 } as const;
/** No channel binding: TLS ends below us. */
const header = "n,,";

/** How SCRAM calls its hash, by the mechanism's name. */
const hashes: Readonly<Record<string, { readonly name: string; readonly bits: number }>> = {
  "SCRAM-SHA-256": { name: "SHA-256", bits: 256 },
  "SCRAM-SHA-512": { name: "SHA-512", bits: 512 },
};
export const scramMechanisms: readonly string[] = Object.keys(hashes).toReversed();

/**
 * One exchange of SCRAM (RFC 5802, RFC 7677): the client's words to the server's. The password never goes over the wire, and
 * the server proves that it knows it too.
 *
 *     first -> (server's first) final -> (server's final) check
 *
 * All reject with VirError (authFailed) for what a server that knows the password would not say.
 */
export class Scram {
  readonly #hash: { readonly name: string; readonly bits: number };
  readonly #password: string;
  readonly #nonce: string;
  readonly #bare: string;
  #serverSignature: string | undefined;

  /** `nonce`: printable, without commas. Default: a new one. */
  constructor(mechanism: string, { user, password }: Credentials, nonce: string = newNonce()) {
    const hash = hashes[mechanism];
    if (hash === undefined) throw new RangeError(`${mechanism} is no SCRAM that is known here`);
    this.#hash = hash;
    // What SASLprep makes of passwords that people have.
    this.#password = password.normalize("NFKC");
    this.#nonce = nonce;
    this.#bare = `n=${user.normalize("NFKC").replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${nonce}`;
  }

  get first(): string {
    return header + this.#bare;
  }

  async final(serverFirst: string): Promise<string> {
    const { r: nonce = "", s: salt = "", i: count = "", m: extension } = fieldsOf(serverFirst);
    if (extension !== undefined) throw failed("the server asks for an extension of SCRAM that is not known here");
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length)
      throw failed("the server's answer is to somebody else's question");
    const iterations = Number(count);
    if (!(iterations >= rounds.fewest && iterations <= rounds.most))
      throw failed(`the server asks for ${count} rounds; ${rounds.fewest} to ${rounds.most} are done`);
    const withoutProof = `c=${btoa(header)},r=${nonce}`;
    const message = `${this.#bare},${serverFirst},${withoutProof}`;
    const salted = await this.#salted(fromBase64(salt), iterations);
    const clientKey = await this.#hmac(salted, "Client Key");
    const storedKey = new Uint8Array(await crypto.subtle.digest(this.#hash.name, clientKey));
    const signature = await this.#hmac(storedKey, message);
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] as number));
    this.#serverSignature = toBase64(await this.#hmac(await this.#hmac(salted, "Server Key"), message));
    return `${withoutProof},p=${toBase64(proof)}`;
  }

  check(serverFinal: string): void {
    const { v: signature, e: complaint } = fieldsOf(serverFinal);
    if (complaint !== undefined) throw failed(`the server says: ${complaint}`);
    if (this.#serverSignature === undefined || signature !== this.#serverSignature)
      throw failed("the server does not know the password itself: it is not who it says it is");
  }

  async #salted(salt: Uint8Array<ArrayBuffer>, iterations: number): Promise<Uint8Array<ArrayBuffer>> {
    const key = await crypto.subtle.importKey("raw", new TextEncoder().encode(this.#password), "PBKDF2", false, [
      "deriveBits",
    ]);
    const how = { name: "PBKDF2", hash: this.#hash.name, salt, iterations };
    return new Uint8Array(await crypto.subtle.deriveBits(how, key, this.#hash.bits));
  }

  async #hmac(secret: Uint8Array<ArrayBuffer>, text: string): Promise<Uint8Array<ArrayBuffer>> {
    const how = { name: "HMAC", hash: this.#hash.name };
    const key = await crypto.subtle.importKey("raw", secret, how, false, ["sign"]);
    return new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text)));
  }
}

/** `a=text,b=text`; a value may have "=" in it. */
function fieldsOf(message: string): Readonly<Record<string, string>> {
  return Object.fromEntries(message.split(",").map((field) => [field.slice(0, 1), field.slice(2)]));
}

function newNonce(): string {
  return toBase64(crypto.getRandomValues(new Uint8Array(18)));
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    throw failed("the server's salt is not in base 64");
  }
}

function failed(detail: string): VirError {
  return VirError.of(ErrorCode.authFailed, ErrorDomain.auth, detail);
}
