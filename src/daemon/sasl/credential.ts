import { createHash, createHmac, pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";

/** What a server keeps of a password, as SCRAM-SHA-256 (RFC 5803) has it: it lets nobody log in. */
export interface Credential {
  readonly salt: Uint8Array;
  readonly iterations: number;
  /** SHA-256 of the client's key. */
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** Who may log in. */
export interface UserTable {
  /** Undefined for nobody's name. Throws when it cannot be asked. */
  find(name: string): Credential | undefined;
}

/** RFC 7677 asks for 4,096 at least; here as many as the clients of libvirt take (65,536), in a round number. */
export const iterations = 60_000;

const keyLength = 32;
const derive = promisify(pbkdf2);

/** Takes some 50 ms of another thread's time for each 100,000 `rounds`. */
export async function credentialOf(
  password: string,
  salt: Uint8Array = randomBytes(16),
  rounds: number = iterations,
): Promise<Credential> {
  // What SASLprep comes to for passwords that people type.
  const salted = await derive(password.normalize("NFKC"), salt, rounds, keyLength, "sha256");
  return {
    salt,
    iterations: rounds,
    storedKey: sha256(hmac(salted, "Client Key")),
    serverKey: hmac(salted, "Server Key"),
  };
}

/** What a name is tried against. What stands for nobody is made for everybody: who is known takes no less time. */
export function credentialToTry(users: UserTable, name: string): Credential {
  const nobody = credentialOfNobody(name);
  return users.find(name) ?? nobody;
}

/**
 * What stands for the credential of somebody whom nobody knows: always the same for a name, as a real one would be, and
 * right for no password.
 */
function credentialOfNobody(name: string): Credential {
  const [salt, storedKey, serverKey] = ["salt", "stored", "server"].map((part) => hmac(secret, `${part} ${name}`)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  return { salt: salt.subarray(0, 16), iterations, storedKey, serverKey };
}

const secret = randomBytes(32);

export function hmac(key: Uint8Array, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

export function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
