import { setTimeout as wait } from "node:timers/promises";
import { openLoop, type UnixTransport } from "../../../src/os/index.ts";
import { remote } from "../../../src/protocol/index.ts";
import { obey } from "./child.ts";
import { connect } from "./connecting.ts";
import { bigChange, message, metadataChange, offences, opening, openWithinMs, type Reason } from "./offences.ts";

/** Connections that were made, by what the daemon must have said of them. */
export type Confession = Readonly<Partial<Record<Reason, number>>>;

const [path = "", kind = ""] = process.argv.slice(2);
const rows = remote.procedures;
const loop = openLoop();
const counts: Partial<Record<Reason, number>> = {};
let ending = new AbortController();
let atWork: Promise<unknown> = Promise.resolve();

/** One connection, from the outside. */
class Hostile {
  readonly transport: UnixTransport;
  readonly #gone: Promise<void>;

  private constructor(transport: UnixTransport) {
    this.transport = transport;
    this.#gone = new Promise((gone) => transport.open({ onData: () => {}, onClose: () => gone() }));
  }

  static async connect(): Promise<Hostile> {
    return new Hostile(await connect(loop, path));
  }

  /** Until the daemon has had enough, or for so long. */
  async stay(ms: number, signal?: AbortSignal): Promise<void> {
    const over = new AbortController();
    const waited = wait(ms, undefined, { signal: AbortSignal.any([over.signal, ...(signal ? [signal] : [])]) });
    await Promise.race([this.#gone, waited.catch(() => {})]);
    over.abort();
  }

  async leave(): Promise<void> {
    this.transport.close();
    await this.#gone;
  }
}

function count(reason: Reason): void {
  counts[reason] = (counts[reason] ?? 0) + 1;
}

/** Again and again until the end, each time with the next offence. */
async function repeat(number: number, pauseMs: number, offend: (turn: number) => Promise<void>): Promise<void> {
  const { signal } = ending;
  await wait((number * pauseMs) / 100);
  for (let turn = number; !signal.aborted; turn++) {
    await offend(turn);
    await wait(pauseMs, undefined, { signal }).catch(() => {});
  }
}

/** With a hypervisor open at every other time. */
async function sendGarbage(turn: number): Promise<void> {
  const offence = offences[turn % offences.length];
  if (offence === undefined) throw new RangeError("there are no offences");
  const isOpen = Math.floor(turn / offences.length) % 2 === 1;
  const reason = (isOpen ? offence.openReason : undefined) ?? offence.reason;
  const hostile = await Hostile.connect();
  hostile.transport.send(isOpen ? Buffer.concat([opening, offence.bytes]) : offence.bytes);
  count(reason);
  await hostile.stay(reason === "late" ? 10 * openWithinMs : 500);
  await hostile.leave();
}

const definition = `<domain type='test'><name>never</name><memory>1024</memory><os><type>hvm</type></os></domain>`;
const whole = message({ procedure: rows.domainCreateXml.number }, rows.domainCreateXml.args, {
  xmlDesc: definition,
  flags: 0,
});

/** At another byte each time. */
async function beCutOff(turn: number): Promise<void> {
  const hostile = await Hostile.connect();
  if (turn % 2 === 0) hostile.transport.send(opening);
  hostile.transport.send(whole.subarray(0, 1 + ((turn * 7) % (whole.length - 1))));
  count("cut off");
  await wait(50);
  await hostile.leave();
}

const subscription = [0, metadataChange].map((eventId) =>
  message(
    { procedure: rows.connectDomainEventCallbackRegisterAny.number },
    rows.connectDomainEventCallbackRegisterAny.args,
    {
      eventId,
      dom: null,
    },
  ),
);
const description = message({ procedure: rows.domainGetXmlDesc.number }, rows.domainGetXmlDesc.args, {
  dom: bigChange.dom,
  flags: 0,
});
const descriptions = Buffer.concat(Array.from({ length: 20 }, () => description));
const change = message({ procedure: rows.domainSetMetadata.number }, rows.domainSetMetadata.args, bigChange);

/** Causes events and replies, and hears of the events of others, of all of which it reads nothing. */
async function neverRead(turn: number): Promise<void> {
  const { signal } = ending;
  const hostile = await Hostile.connect();
  hostile.transport.pause();
  hostile.transport.send(Buffer.concat([opening, ...subscription]));
  let isThere = true;
  const gone = hostile.stay(600_000, signal).then(() => {
    isThere = false;
  });
  for (let round = turn; isThere && !signal.aborted; round++) {
    hostile.transport.send(descriptions);
    if (round % 20 === 0) hostile.transport.send(change);
    await wait(1_000, undefined, { signal }).catch(() => {});
  }
  await gone;
  // One that has to leave earlier leaves with replies unread, which the kernel tells the daemon.
  if (signal.aborted) await wait(300);
  count(signal.aborted ? "cut off" : "does not read");
  await hostile.leave();
}

const kinds: Readonly<Record<string, (number: number) => Promise<void>>> = {
  garbage: (number) => repeat(number, 500, sendGarbage),
  "cut off": (number) => repeat(number, 1_000, beCutOff),
  "never reads": (number) => repeat(number, 500, neverRead),
};

obey({
  begin: (crowd: number) => {
    ending = new AbortController();
    const offend = kinds[kind];
    if (offend === undefined) throw new RangeError(`there are no offenders of kind "${kind}"`);
    atWork = Promise.all(Array.from({ length: crowd }, (_, number) => offend(number)));
  },
  end: async (): Promise<Confession> => {
    ending.abort();
    await atWork;
    return counts;
  },
});
