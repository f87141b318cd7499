import type { Transport } from "../../src/event/index.ts";

/** As Xen's xs_wire.h numbers them. */
const types = new Map(
  Object.entries({
    1: "directory",
    2: "read",
    3: "getPerms",
    4: "watch",
    5: "unwatch",
    6: "start",
    7: "end",
    10: "getDomainPath",
    11: "write",
    12: "mkdir",
    13: "rm",
    14: "setPerms",
    17: "isDomainIntroduced",
    22: "directoryPart",
  }),
);

export interface FakeRequest {
  readonly name: string;
  readonly type: number;
  readonly id: number;
  readonly transaction: number;
  /** The body's strings; of a write the value stands last. */
  readonly strings: readonly string[];
}

type Nodes = Map<string, { value: string; perms: string[] }>;

/** What refuses a request, by errno. */
class Refusal extends Error {}

/**
 * The other end of a Xenstore: a small xenstored of its own making, after Xen's docs/misc/xenstore.txt. Answers go out at
 * once, or, while `held` is an array, wait there for the test.
 */
export class FakeXenstored {
  readonly requests: FakeRequest[] = [];
  nodes: Nodes = new Map([["/", { value: "", perms: ["n0"] }]]);
  held: (() => void)[] | undefined;
  closed = false;
  /** A listing longer than this is E2BIG, and given in parts of this many names. */
  listLimit = 100;
  /** Hears of each request before it is carried out. */
  onRequest: (request: FakeRequest) => void = () => {};
  readonly watches = new Map<string, { path: string; token: string }>();
  readonly transactions = new Map<number, { nodes: Nodes; base: number }>();
  readonly #transport: Transport;
  #generation = 0;
  #lastTransaction = 0;
  #bytes = Buffer.alloc(0);

  constructor(transport: Transport) {
    this.#transport = transport;
    transport.open({
      onData: (bytes) => this.#receive(bytes),
      onClose: () => {
        this.closed = true;
      },
    });
  }

  get names(): string[] {
    return this.requests.map(({ name }) => name);
  }

  /** Lets out all answers that are held, and holds none any more. */
  letGo(): void {
    const held = this.held ?? [];
    this.held = undefined;
    for (const send of held) send();
  }

  hangUp(): void {
    this.#transport.close();
  }

  bytes(bytes: Uint8Array): void {
    this.#transport.send(bytes);
  }

  /** Somebody else writes. */
  write(path: string, value: string): void {
    this.#put(this.nodes, path, value);
    this.#changed(path);
  }

  fire(path: string, token: string): void {
    this.#send(15, 0, 0, `${path}\0${token}\0`);
  }

  #receive(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    while (this.#bytes.length >= 16 && this.#bytes.length >= 16 + this.#bytes.readUInt32LE(12)) {
      const length = this.#bytes.readUInt32LE(12);
      const [type, id, transaction] = [0, 4, 8].map((offset) => this.#bytes.readUInt32LE(offset));
      const strings = this.#bytes.toString("utf8", 16, 16 + length).split("\0");
      const name = types.get(String(type)) ?? "unknown";
      if (name !== "write") strings.pop();
      this.#bytes = this.#bytes.subarray(16 + length);
      this.#carryOut({ name, type: type ?? 0, id: id ?? 0, transaction: transaction ?? 0, strings });
    }
  }

  #carryOut(request: FakeRequest): void {
    this.requests.push(request);
    this.onRequest(request);
    const after: (() => void)[] = [];
    try {
      const answer = this.#answer(request, after);
      this.#send(request.type, request.id, request.transaction, answer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#send(16, request.id, request.transaction, `${error.message}\0`);
    }
    for (const each of after) each();
  }

  #answer({ name, strings, transaction }: FakeRequest, after: (() => void)[]): string {
    const [path = "", second = ""] = strings;
    const open = this.transactions.get(transaction);
    if (transaction !== 0 && open === undefined) throw new Refusal("ENOENT");
    const nodes = open?.nodes ?? this.nodes;
    const found = nodes.get(path);
    const changed = (): unknown => (open === undefined ? after.push(() => this.#changed(path)) : undefined);
    const node = (): { value: string; perms: string[] } => {
      if (found === undefined) throw new Refusal("ENOENT");
      return found;
    };
    switch (name) {
      case "read":
        return node().value;
      case "write":
        this.#put(nodes, path, second);
        changed();
        return "OK\0";
      case "mkdir":
        if (found === undefined) this.#put(nodes, path, "");
        changed();
        return "OK\0";
      case "rm":
        for (const each of nodes.keys()) if (each === path || each.startsWith(`${path}/`)) nodes.delete(each);
        changed();
        return "OK\0";
      case "directory": {
        node();
        const names = childrenOf(nodes, path);
        if (names.length > this.listLimit) throw new Refusal("E2BIG");
        return names.map((each) => `${each}\0`).join("");
      }
      case "directoryPart":
        return this.#part(nodes, path, Number(second));
      case "getPerms":
        return node()
          .perms.map((each) => `${each}\0`)
          .join("");
      case "setPerms":
        node().perms = strings.slice(1);
        return "OK\0";
      case "watch":
        if (path.startsWith("bad")) throw new Refusal("EINVAL");
        this.watches.set(`${path} ${second}`, { path, token: second });
        after.push(() => this.fire(path, second));
        return "OK\0";
      case "unwatch":
        if (!this.watches.delete(`${path} ${second}`)) throw new Refusal("ENOENT");
        return "OK\0";
      case "start":
        this.transactions.set(++this.#lastTransaction, { nodes: structuredClone(this.nodes), base: this.#generation });
        return `${this.#lastTransaction}\0`;
      case "end":
        return this.#end(transaction, path === "T");
      case "getDomainPath":
        return `/local/domain/${path}\0`;
      case "isDomainIntroduced":
        return path === "0" ? "T\0" : "F\0";
      default:
        throw new Refusal("ENOSYS");
    }
  }

  #end(transaction: number, commit: boolean): string {
    const open = this.transactions.get(transaction);
    this.transactions.delete(transaction);
    if (!commit || open === undefined) return "OK\0";
    if (open.base !== this.#generation) throw new Refusal("EAGAIN");
    this.nodes = open.nodes;
    this.#generation++;
    return "OK\0";
  }

  #part(nodes: Nodes, path: string, offset: number): string {
    const list = childrenOf(nodes, path)
      .map((each) => `${each}\0`)
      .join("");
    const names = list.slice(offset).split("\0").slice(0, -1).slice(0, this.listLimit);
    const part = names.map((each) => `${each}\0`).join("");
    return `${this.#generation}\0${part}${offset + part.length >= list.length ? "\0" : ""}`;
  }

  #put(nodes: Nodes, path: string, value: string): void {
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      const above = path.slice(0, at);
      if (!nodes.has(above)) nodes.set(above, { value: "", perms: ["n0"] });
    }
    nodes.set(path, { value, perms: nodes.get(path)?.perms ?? ["n0"] });
    if (nodes === this.nodes) this.#generation++;
  }

  #changed(path: string): void {
    for (const watch of this.watches.values()) {
      if (path === watch.path || path.startsWith(`${watch.path}/`)) this.fire(path, watch.token);
    }
  }

  #send(type: number, id: number, transaction: number, body: string): void {
    const head = Buffer.alloc(16);
    const text = Buffer.from(body);
    for (const [index, value] of [type, id, transaction, text.length].entries()) head.writeUInt32LE(value, index * 4);
    const send = (): void => this.bytes(Buffer.concat([head, text]));
    if (this.held === undefined) send();
    else this.held.push(send);
  }
}

function childrenOf(nodes: Nodes, path: string): string[] {
  const prefix = path === "/" ? "/" : `${path}/`;
  const below = [...nodes.keys()].filter((each) => each.startsWith(prefix) && each !== "/");
  return [...new Set(below.map((each) => each.slice(prefix.length).split("/")[0] ?? ""))].sort();
}
