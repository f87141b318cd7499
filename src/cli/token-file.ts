import { rmSync, writeFileSync } from "node:fs";

/** A secret that programs of the same user can read for as long as the daemon runs. */
export class TokenFile implements Disposable {
  readonly #path: string;

  /** Throws the system's error. */
  constructor(path: string, token: string) {
    this.#path = path;
    // What another daemon has left is not written into: it may be open, or somebody else's.
    rmSync(path, { force: true });
    writeFileSync(path, `${token}\n`, { mode: 0o600, flag: "wx" });
  }

  [Symbol.dispose](): void {
    rmSync(this.#path, { force: true });
  }
}
