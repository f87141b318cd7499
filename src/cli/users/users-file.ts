import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Credential, UserTable } from "../../daemon/index.ts";
import { UsageError } from "../usage-error.ts";

/** For the first line: no password can be read out of the file, but guessed in peace. */
const heading = "# Who may log in; written by virtwright user. NAME:SCRAM-SHA-256:ROUNDS:SALT:STORED KEY:SERVER KEY\n";

/**
 * Users and what is kept of their passwords, a line each. It is read whenever it is asked, so that a change counts for the
 * next who logs in.
 */
export class UsersFile implements UserTable {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Undefined too when there is no file. Throws UsageError for one that others than its owner may read, or that is damaged. */
  find(name: string): Credential | undefined {
    return this.read().get(name);
  }

  read(): Map<string, Credential> {
    const { mode } = statSync(this.#path, { throwIfNoEntry: false }) ?? { mode: 0 };
    if ((mode & 0o077) !== 0) throw new UsageError(`${this.#path} can be read by others: chmod 600 ${this.#path}`);
    const lines = mode === 0 ? [] : readFileSync(this.#path, "utf8").split("\n");
    return new Map(lines.flatMap((line, index) => (isEmpty(line) ? [] : [this.#entry(line, index + 1)])));
  }

  /** All of it, or nothing: a daemon that reads it meanwhile sees the one or the other. */
  write(users: ReadonlyMap<string, Credential>): void {
    const next = `${this.#path}.new`;
    writeFileSync(next, heading + [...users].map(lineOf).join(""), { mode: 0o600 });
    chmodSync(next, 0o600);
    renameSync(next, this.#path);
  }

  get directory(): string {
    return dirname(this.#path);
  }

  #entry(line: string, number: number): [string, Credential] {
    const [name = "", kind, rounds, salt = "", storedKey = "", serverKey = "", ...more] = line.split(":");
    const iterations = Number(rounds);
    const [saltBytes, stored, server] = [salt, storedKey, serverKey].map((part) => Buffer.from(part, "base64")) as [
      Buffer,
      Buffer,
      Buffer,
    ];
    const isWhole = stored.length === 32 && server.length === 32 && saltBytes.length >= 8 && more.length === 0;
    if (name === "" || kind !== "SCRAM-SHA-256" || !isWhole || !(iterations >= 4_096 && iterations <= 10_000_000))
      throw new UsageError(`${this.#path}:${number}: no line of a user: write it by virtwright user add`);
    return [name, { salt: saltBytes, iterations, storedKey: stored, serverKey: server }];
  }
}

function isEmpty(line: string): boolean {
  return line.trim() === "" || line.startsWith("#");
}

function lineOf([name, { salt, iterations, storedKey, serverKey }]: [string, Credential]): string {
  const parts = [salt, storedKey, serverKey].map((part) => Buffer.from(part).toString("base64"));
  return `${name}:SCRAM-SHA-256:${iterations}:${parts.join(":")}\n`;
}
