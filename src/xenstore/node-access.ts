import { bytesOf, joinStrings, splitStrings, textOf } from "./body.ts";
import { type CallOptions, shared } from "./call-options.ts";
import type { Request } from "./call-table.ts";
import { XenstoreError } from "./errors.ts";
import { MessageType } from "./message.ts";
import { formatPermissions, type Permissions, parsePermissions } from "./permissions.ts";

/** A list that changes while it is read in parts is begun again, this often. */
const listAttempts = 100;

/**
 * The store's nodes, as they are or as a transaction sees them. Paths are absolute, or relative to the caller's domain.
 * Everything rejects with XenstoreError when xenstored refuses, DeadlineError, the signal's reason, or what closed the
 * connection.
 */
export abstract class NodeAccess {
  /** Sends a request and resolves with its answer's body. */
  protected abstract request(request: Request, body: Uint8Array, options: CallOptions): Promise<Uint8Array>;

  protected abstract now(): number;

  /** A node's value as text, "" when it has none; ENOENT when there is no such node. */
  async read(path: string, options: CallOptions = {}): Promise<string> {
    return textOf(await this.readBytes(path, options));
  }

  /** `read` for values that are not text. */
  readBytes(path: string, options: CallOptions = {}): Promise<Uint8Array> {
    return this.#call(MessageType.read, `read ${path}`, [path], options);
  }

  /** `read`, with undefined for a node that is not there. */
  async readIfThere(path: string, options: CallOptions = {}): Promise<string | undefined> {
    try {
      return await this.read(path, options);
    } catch (error) {
      if (error instanceof XenstoreError && error.errno === "ENOENT") return undefined;
      throw error;
    }
  }

  /** Writes a node's value; the node and those above it are made if need be. */
  async write(path: string, value: string | Uint8Array, options: CallOptions = {}): Promise<void> {
    const bytes = typeof value === "string" ? bytesOf(value) : value;
    await this.#call(MessageType.write, `write ${path}`, [path], options, bytes);
  }

  /** Makes a node without a value; nothing if it is there. */
  async mkdir(path: string, options: CallOptions = {}): Promise<void> {
    await this.#call(MessageType.mkdir, `make ${path}`, [path], options);
  }

  /** Removes a node and all below it; nothing if it is not there but the one above it is. */
  async rm(path: string, options: CallOptions = {}): Promise<void> {
    await this.#call(MessageType.rm, `remove ${path}`, [path], options);
  }

  /** Names of the nodes right below, however many. */
  async directory(path: string, options: CallOptions = {}): Promise<string[]> {
    const rest = shared(options, () => this.now());
    try {
      return splitStrings(await this.#call(MessageType.directory, `list ${path}`, [path], rest()));
    } catch (error) {
      if (!(error instanceof XenstoreError) || error.errno !== "E2BIG") throw error;
    }
    for (let attempt = 0; attempt < listAttempts; attempt++) {
      const names = await this.#listInParts(path, rest);
      if (names !== undefined) return names;
    }
    throw new XenstoreError("EAGAIN", `${path} changed ${listAttempts} times while it was listed`);
  }

  async getPermissions(path: string, options: CallOptions = {}): Promise<Permissions> {
    const body = await this.#call(MessageType.getPermissions, `tell the permissions of ${path}`, [path], options);
    return parsePermissions(splitStrings(body));
  }

  async setPermissions(path: string, permissions: Permissions, options: CallOptions = {}): Promise<void> {
    const strings = [path, ...formatPermissions(permissions)];
    await this.#call(MessageType.setPermissions, `set the permissions of ${path}`, strings, options);
  }

  /** Undefined when the list has changed between two parts, which their generation tells. */
  async #listInParts(path: string, rest: () => CallOptions): Promise<string[] | undefined> {
    const names: string[] = [];
    let known: string | undefined;
    for (let offset = 0; ; ) {
      const strings = [path, String(offset)];
      const part = await this.#call(MessageType.directoryPart, `list ${path}`, strings, rest());
      const [generation = "", ...entries] = splitStrings(part);
      known ??= generation;
      if (generation !== known) return undefined;
      // The last part ends with an empty name.
      const isLast = entries.at(-1) === "";
      names.push(...entries.filter((name) => name !== ""));
      if (isLast) return names;
      if (entries.length === 0) throw new XenstoreError("EIO", `xenstored sent an empty part of ${path}`);
      offset += part.length - bytesOf(`${generation}\0`).length;
    }
  }

  async #call(
    type: MessageType,
    what: string,
    strings: readonly string[],
    options: CallOptions,
    rest?: Uint8Array,
  ): Promise<Uint8Array> {
    return this.request({ type, what }, joinStrings(strings, rest), options);
  }
}
