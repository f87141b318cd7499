import type { Contest, Figure, Load, Rivals } from "./rpc-contest.ts";
import { callOf, dom } from "./rpc-frames.ts";

const rounds = 11;
const shortRounds = 61;
const roundMs = "150";

const names = [
  "getVersion",
  "lookupByName",
  "info",
  "state",
  "XMLDesc",
  "listAllDomains",
  "getAllDomainStats",
  "isActive",
];
/** In the order in which rpc-client.py makes them. */
export const callNames = names.map((name) => `call: ${name}`);

/** From nothing to the reply to a first call; the daemons are not running before and after. */
export async function measureStart(contest: Contest): Promise<void> {
  const hello = { connections: 1, window: 1, calls: [callOf("connectGetLibVersion", {})] };
  for (let round = 0; round < 5; round++) {
    const took = await contest.both(async (subject) => {
      const start = performance.now();
      await subject.start();
      const program = contest.load(subject, hello);
      await program.round("-1");
      const ms = performance.now() - start;
      await program.close();
      await subject.stop();
      return ms;
    });
    contest.board.add("start to first answer", "ms", took);
  }
}

/** One call at a time, by libvirt's client. */
export async function measureLatency(contest: Contest, clients: Rivals): Promise<void> {
  await clients.round("calls 1000");
  await contest.ours.delays();
  for (let round = 0; round < shortRounds; round++) {
    const { ours, libvirtd } = await clients.round("calls 25");
    for (const [index, name] of callNames.entries()) {
      contest.board.add(name, "us", { ours: (ours[index] ?? 0) / 1e3, libvirtd: (libvirtd[index] ?? 0) / 1e3 });
    }
  }
  await contest.noteDelay(callNames[0] ?? "");
}

export async function measureThroughput(contest: Contest): Promise<void> {
  const calls = [
    callOf("domainGetInfo", { dom }),
    callOf("domainGetState", { dom, flags: 0 }),
    callOf("domainLookupByName", { name: "test" }),
    callOf("domainIsActive", { dom }),
  ];
  for (const connections of [1, 4, 16]) {
    await measureRate(contest, `calls, connections: ${connections}`, { connections, window: 1, calls });
  }
  await measureRate(contest, "calls, 64 under way on one", { connections: 1, window: 64, calls });
}

export async function measureEvents(contest: Contest): Promise<void> {
  const calls = [callOf("domainSuspend", { dom }), callOf("domainResume", { dom })];
  for (const subscribers of [1, 100]) {
    const load = { connections: 1, window: 1, subscribers, calls };
    await measureRate(contest, `events, subscribers: ${subscribers}`, load, 1);
  }
}

async function measureRate(contest: Contest, name: string, load: Load, figure: Figure = 0): Promise<void> {
  const rivals = contest.loads(load);
  await rivals.round(roundMs);
  await contest.ours.delays();
  for (let round = 0; round < rounds; round++) await contest.rate(name, rivals, roundMs, figure);
  await contest.noteDelay(name);
  await rivals.close();
}
