import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import type { SaslCalls } from "../../../src/client/sasl/log-in.ts";

export interface SaslServerOptions {
  readonly mechanisms: string;
  readonly password?: string;
  /** The server has something to hear after its last words. */
  readonly asksAgain?: boolean;
  /** What it does wrong. */
  readonly forge?: "nonce" | "rounds" | "signature" | "salt";
}

/** libvirt's calls for SASL, with a server of SCRAM-SHA-256 and PLAIN behind them, by Node's own cryptography. */
export class SaslServer {
  readonly #options: SaslServerOptions;
  /** What it was told. */
  readonly heard: string[] = [];
  #messages: string[] = [];

  constructor(options: SaslServerOptions) {
    this.#options = options;
  }

  get calls(): SaslCalls {
    return {
      authSaslInit: async () => ({ mechlist: this.#options.mechanisms }),
      authSaslStart: async ({ mech, data }: { mech: string; data: Uint8Array }) =>
        mech === "PLAIN" ? this.#plain(this.#hear(data)) : this.#first(this.#hear(data)),
      authSaslStep: async ({ data }: { data: Uint8Array }) => this.#final(this.#hear(data)),
    } as SaslCalls;
  }

  #hear(data: Uint8Array): string {
    const text = Buffer.from(data).toString();
    this.heard.push(text);
    return text;
  }

  #plain(text: string) {
    const isRight = text === `\0ada\0${this.#options.password}`;
    return answer("", Number(isRight));
  }

  #first(text: string) {
    const { forge } = this.#options;
    const bare = text.slice("n,,".length);
    const nonce = forge === "nonce" ? "another" : /r=(.*)/.exec(bare)?.[1];
    const salt = forge === "salt" ? "*" : randomBytes(16).toString("base64");
    const first = `r=${nonce}more,s=${salt},i=${forge === "rounds" ? 1 : 4_096}`;
    this.#messages = [bare, first];
    return answer(first, 0);
  }

  #final(text: string) {
    const { password = "", asksAgain = false, forge } = this.#options;
    if (text === "") return answer("", 1);
    const [bare = "", first = ""] = this.#messages;
    const [withoutProof = "", proof = ""] = text.split(",p=");
    const message = [bare, first, withoutProof].join();
    const hmac = (key: Buffer, words: string): Buffer => createHmac("sha256", key).update(words).digest();
    const salt = Buffer.from(/s=([^,]*)/.exec(first)?.[1] ?? "", "base64");
    const salted = pbkdf2Sync(password, salt, 4_096, 32, "sha256");
    const stored = createHash("sha256").update(hmac(salted, "Client Key")).digest();
    const signature = hmac(stored, message);
    const key = Buffer.from(proof, "base64").map((byte, index) => byte ^ (signature[index] ?? 0));
    if (!createHash("sha256").update(key).digest().equals(stored)) return answer("e=invalid-proof", 0);
    const own = forge === "signature" ? randomBytes(32) : hmac(hmac(salted, "Server Key"), message);
    return answer(`v=${own.toString("base64")}`, asksAgain ? 0 : 1);
  }
}

function answer(text: string, complete: number) {
  return { complete, nil: 0, data: Buffer.from(text) };
}
