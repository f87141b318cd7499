import { clients } from "./campaign/clients.ts";
import { explore } from "./campaign/explore.ts";
import { kill } from "./campaign/kill.ts";
import { matrix } from "./campaign/matrix.ts";
import { qemu } from "./campaign/qemu.ts";
import { reconnect } from "./campaign/reconnect.ts";
import { schedules } from "./campaign/schedules.ts";
import { selftests } from "./campaign/selftest.ts";
import { xen } from "./campaign/xen.ts";
import { xen2012 } from "./campaign/xen-2012.ts";
import { xenCrash } from "./campaign/xen-crash.ts";
import { xenKill } from "./campaign/xen-kill.ts";
import { xenLibvirtd } from "./campaign/xen-libvirtd.ts";

/** Long work that `npm test` does a small part of. True when nothing was found. */
export interface Campaign {
  readonly about: string;
  /** `args` are what follows its name. */
  run(args: readonly string[]): Promise<boolean>;
}

const campaigns: Readonly<Record<string, Campaign>> = {
  clients: {
    about: "1,000 connections at once, 300 of them hostile, against a daemon: what the other 700 notice",
    run: clients,
  },
  explore: {
    about:
      "every core scenario: two actors exhaustively with 4 preemptions, crowds 1,000,000 times at random; and the drivers' (--only TEXT)",
    run: explore,
  },
  kill: {
    about: "a daemon killed 200 times while clients change its domains: what it has lost (--kills N, --seed N)",
    run: kill,
  },
  mutations: {
    about: "every mutation of the core against every scenario: who finds what, after how many",
    run: matrix,
  },
  qemu: {
    about: "real guests: 100 rounds of the test script, a daemon killed 100 times (--rounds N, --kills N, --seed N)",
    run: qemu,
  },
  reconnect: {
    about:
      "the library's connection to our daemon cut 900 times under load, the daemon killed 100 times: what it has lost (--cuts N, --kills N)",
    run: reconnect,
  },
  selftest: {
    about:
      "virtwright selftest with each driver of ours, the Xen driver in the lab, and of a libvirtd: 8 guests, 20 rounds (--domains N, --rounds N, --only WORD, --system)",
    run: selftests,
  },
  xen: {
    about:
      "Xen's guests: 200 rounds of the test script, four at once, while the daemon and libxl's processes are killed (--rounds N, --boots N, --at-once N, --from N, --seed N)",
    run: xen,
  },
  "xen-2012": {
    about: "500 guests' lives, eight at once, while libxl is called late (--lives N, --seed N); half an hour",
    run: xen2012,
  },
  "xen-crash": {
    about: "the same work through us, in C and by Node alone, with one QEMU thread for each processor: who crashes",
    run: xenCrash,
  },
  "xen-kill": {
    about:
      "a process with libxl killed 20 times in mid-operation: what becomes of its domain and the others (--kills N, --seed N)",
    run: xenKill,
  },
  "xen-libvirtd": {
    about: "virsh before libvirtd's own Xen driver and ours, on real Xen: what ends differently",
    run: xenLibvirtd,
  },
  schedules: { about: "finds each mutation anew and writes the schedules to test/schedules/", run: schedules },
};

const [name = "", ...args] = process.argv.slice(2);
const campaign = Object.hasOwn(campaigns, name) ? campaigns[name] : undefined;
if (campaign === undefined) {
  console.error(`error: ${name === "" ? "name a campaign" : `there is no campaign "${name}"`}:`);
  for (const [each, { about }] of Object.entries(campaigns)) console.error(`  npm run campaign -- ${each}   ${about}`);
  process.exitCode = 1;
} else if (!(await campaign.run(args))) {
  process.exitCode = 1;
}
