import { setTimeout as wait } from "node:timers/promises";
import { openLoop } from "../../../src/os/index.ts";
import { type Client, type Domain, remote } from "../../../src/protocol/index.ts";
import { type CallOptions, Connection, clientOf, type Stream } from "../../../src/rpc/index.ts";
import { obey } from "./child.ts";
import { connect } from "./connecting.ts";
import { bigChange } from "./offences.ts";

export interface Work {
  readonly ms: number;
  /** Between two calls of one client. */
  readonly pauseMs: number;
  /** Between two large events that the first client causes. */
  readonly shakeMs?: number;
}

/** What the clients of one process have seen. */
export interface Testimony {
  /** In ms, of each call that began while they were asked to work. */
  readonly latencies: readonly number[];
  readonly errors: readonly string[];
  readonly events: number;
}

const [path = "", name = ""] = process.argv.slice(2);
const loop = openLoop();
const lifecycle = 0;
let clients: HonestClient[] = [];
let errors: string[] = [];
let latencies: number[] = [];
let events = 0;
let leaving = false;

/** A client as a management program is one: looks around most of the time, now and then runs a domain for a moment. */
class HonestClient {
  readonly #number: number;
  readonly #connection: Connection;
  readonly #call: Client<typeof remote.procedures, CallOptions, Stream>;
  #steps = 0;

  private constructor(number: number, connection: Connection) {
    this.#number = number;
    this.#connection = connection;
    this.#call = clientOf(connection, remote);
  }

  static async open(number: number): Promise<HonestClient> {
    const connection = new Connection(loop, await connect(loop, path));
    const onClose = (cause?: Error): void => {
      if (!leaving) errors.push(`the connection ended: ${cause?.message ?? "in order"}`);
    };
    connection.open({ onEvent: () => events++, onClose });
    const client = new HonestClient(number, connection);
    await client.#call.authList({});
    await client.#call.connectOpen({ name: "test:///default", flags: 0 });
    if (number % 35 === 0) await client.#call.connectDomainEventCallbackRegisterAny({ eventId: lifecycle, dom: null });
    return client;
  }

  /** A call every `pauseMs` or so. */
  async work(until: number, pauseMs: number): Promise<void> {
    // Each phase has the same mixture of calls.
    this.#steps = this.#number;
    await wait(((this.#number * 37) % 100) * 0.01 * pauseMs);
    while (performance.now() < until) {
      await this.#step().catch((error: unknown) => errors.push(String(error)));
      await wait(pauseMs * (0.5 + ((this.#number * 31 + this.#steps * 17) % 100) / 100));
    }
  }

  /** Causes events of 32 KiB for whoever wants to hear of changed metadata. */
  async shake(until: number, pauseMs: number): Promise<void> {
    while (performance.now() < until) {
      await this.#call.domainSetMetadata(bigChange).catch((error: unknown) => errors.push(String(error)));
      await wait(pauseMs);
    }
  }

  async leave(): Promise<void> {
    await this.#connection[Symbol.asyncDispose]();
  }

  async #step(): Promise<void> {
    const call = this.#call;
    const { dom } = await timed(() => call.domainLookupByName({ name: "test" }));
    if (dom.name !== "test") errors.push(`the reply names ${dom.name}`);
    switch (this.#steps++ % 64) {
      case 0:
        return void (await timed(() => call.connectListAllDomains({ needResults: 1, flags: 0 })));
      case 1:
      case 4:
      case 8:
      case 9:
        return void (await timed(() => call.domainGetInfo({ dom })));
      case 2:
      case 6:
      case 10:
      case 12:
      case 13:
        return void (await timed(() => call.domainGetState({ dom, flags: 0 })));
      case 3:
      case 11:
        return void (await timed(() => call.domainGetXmlDesc({ dom, flags: 0 })));
      case 5:
      case 7:
      case 14:
        return void (await timed(() => call.connectGetHostname({})));
      case 15:
        return this.#run();
      default:
        return void (await timed(() => call.domainIsActive({ dom })));
    }
  }

  async #run(): Promise<void> {
    const call = this.#call;
    const mine = `${name}-${this.#number}`;
    const xmlDesc = `<domain type='test'><name>${mine}</name><memory>1024</memory><os><type>hvm</type></os></domain>`;
    const { dom } = await timed(() => call.domainCreateXml({ xmlDesc, flags: 0 }));
    check(dom, mine);
    await timed(() => call.domainSuspend({ dom }));
    await timed(() => call.domainResume({ dom }));
    await timed(() => call.domainDestroy({ dom }));
  }
}

function check(dom: Domain, expected: string): void {
  if (dom.name !== expected) errors.push(`the reply is about ${dom.name}, not about ${expected}`);
}

async function timed<T>(call: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await call();
  latencies.push(performance.now() - begun);
  return result;
}

obey({
  connect: async (count: number) => {
    leaving = false;
    for (let number = 0; number < count; number++) clients.push(await HonestClient.open(number));
  },
  work: async ({ ms, pauseMs, shakeMs }: Work): Promise<Testimony> => {
    const until = performance.now() + ms;
    const shaking = shakeMs === undefined ? undefined : clients[0]?.shake(until, shakeMs);
    await Promise.all([shaking, ...clients.map((client) => client.work(until, pauseMs))]);
    const testimony = { latencies, errors, events };
    [latencies, errors, events] = [[], [], 0];
    return testimony;
  },
  leave: async () => {
    leaving = true;
    for (const client of clients) await client.leave();
    clients = [];
  },
});
