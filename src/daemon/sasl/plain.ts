import { timingSafeEqual } from "node:crypto";
import { type Credential, credentialOf, credentialToTry, type UserTable } from "./credential.ts";
import { type Answer, type Mechanism, RefusedError } from "./mechanism.ts";

/** Has a password tried when its turn comes. */
export type TryPassword = (attempt: () => Promise<Credential>) => Promise<Credential>;

/** RFC 4616: name and password as they are, for connections that nobody listens to. A wrong name takes as long as a wrong password. */
export class Plain implements Mechanism {
  readonly #users: UserTable;

  readonly #tryPassword: TryPassword;

  constructor(users: UserTable, tryPassword: TryPassword) {
    this.#users = users;
    this.#tryPassword = tryPassword;
  }

  async step(data: Uint8Array): Promise<Answer> {
    const parts = Buffer.from(data).toString("utf8").split("\0");
    const [actingFor = "", user = "", password = ""] = parts;
    if (parts.length !== 3 || user === "" || password === "") throw new RefusedError("its message is none of PLAIN's");
    if (actingFor !== "" && actingFor !== user) throw new RefusedError(`'${user}' may not act for '${actingFor}'`);
    const kept = credentialToTry(this.#users, user);
    const { storedKey } = await this.#tryPassword(() => credentialOf(password, kept.salt, kept.iterations));
    if (!timingSafeEqual(storedKey, kept.storedKey)) throw new RefusedError(`a wrong name or password, as '${user}'`);
    return { data: null, user };
  }
}
