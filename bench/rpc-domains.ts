import { join } from "node:path";
import { type Contest, type Load, perSecond, type Rivals, uri } from "./rpc-contest.ts";
import { callOf, definition } from "./rpc-frames.ts";
import { wideUri } from "./rpc-wide.ts";

const rounds = 11;

/** Definitions that outlive the daemon: our test hypervisor with a directory beside libvirtd's QEMU. */
export async function measureDisk(contest: Contest): Promise<void> {
  const uris = [`${uri}?state=${join(contest.directory, "state")}`, "qemu:///session"] as const;
  const calls = definitions(0, 300, "qemu");
  await measureDefine(contest, "define, on disk", { connections: 1, window: 4, calls, uris });
}

/** Memory, lists and statistics with more and more domains. */
export async function measureDomains(contest: Contest, clients: Rivals): Promise<void> {
  contest.noteMemory("memory, 0 domains");
  let defined = 0;
  for (const count of [10, 1_000, 10_000]) {
    const calls = definitions(defined, count, "test");
    await measureDefine(contest, "define, in memory", { connections: 1, window: 4, calls });
    defined = count;
    contest.noteMemory(`memory, ${count.toLocaleString("en")} domains`);
    await measureLists(contest, clients, count);
  }
}

/** Ours alone: libvirtd has no such domains without guests. */
export async function measureWide(contest: Contest): Promise<void> {
  const name = "getAllDomainStats, 10,000 of 50";
  const calls = [callOf("connectGetAllDomainStats", { doms: [], stats: 0, flags: 0 })];
  const program = contest.load(contest.ours, { connections: 1, window: 1, calls, uris: [wideUri, uri] });
  for (let round = 0; round < rounds; round++) {
    contest.board.add(name, "ms", { ours: 1e3 / perSecond(await program.round("-1")), libvirtd: Number.NaN });
  }
  await contest.noteDelay(name);
  await program.close();
}

function definitions(from: number, to: number, type: string): Uint8Array[] {
  return Array.from({ length: to - from }, (_, index) =>
    callOf("domainDefineXmlFlags", { xml: definition(from + index, type), flags: 0 }),
  );
}

async function measureDefine(contest: Contest, name: string, load: Load): Promise<void> {
  const rivals = contest.loads(load);
  const portion = Math.ceil(load.calls.length / 10);
  for (let left = load.calls.length; left > 0; left -= portion) {
    await contest.rate(name, rivals, String(-Math.min(portion, left)));
  }
  await contest.noteDelay(name);
  await rivals.close();
}

async function measureLists(contest: Contest, clients: Rivals, count: number): Promise<void> {
  const names = ["listAllDomains", "getAllDomainStats"].map((name) => `${name}, ${count.toLocaleString("en")}`);
  const [list = "", stats = ""] = names;
  for (let round = 0; round < rounds; round++) {
    const { ours, libvirtd } = await clients.round("list");
    for (const [index, name] of names.entries()) {
      contest.board.add(name, "ms", { ours: (ours[index] ?? 0) / 1e6, libvirtd: (libvirtd[index] ?? 0) / 1e6 });
    }
  }
  await contest.noteDelay(stats);
  await measureRaw(contest, `${list}, raw`, count, callOf("connectListAllDomains", { needResults: 1, flags: 0 }));
  const all = callOf("connectGetAllDomainStats", { doms: [], stats: 0, flags: 0 });
  await measureRaw(contest, `${stats}, raw`, count, all);
}

/** Without a client that makes objects of the domains. */
async function measureRaw(contest: Contest, name: string, count: number, call: Uint8Array): Promise<void> {
  const rivals = contest.loads({ connections: 1, window: 1, calls: [call] });
  const request = String(-Math.max(3, Math.ceil(1_000 / count)));
  await rivals.round(request);
  for (let round = 0; round < rounds; round++) await contest.duration(name, rivals, request);
  await contest.noteDelay(name);
  await rivals.close();
}
