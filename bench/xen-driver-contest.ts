/** Runs in dom0, as root. Prints what each subject's rounds have taken, as JSON, in microseconds. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openLoop } from "../src/os/index.ts";
import type { Domain } from "../src/protocol/index.ts";
import { OurXenDaemon, XenLibvirtd } from "../test/conformance/xen/daemons.ts";
import { DaemonClient } from "../test/integration/killed-daemon/daemon-client.ts";
import { type DriverMeasure, type DriverTaken, driverMeasures } from "./xen-board.ts";
import { called, program, type Subject as SubjectOf, takeRounds, xlRepeats } from "./xen-rounds.ts";

type Subject = SubjectOf<DriverMeasure>;

const { XEN_LAB_GUEST: kernel = "" } = process.env;
const uri = "xen:///system";
const directory = "/tmp/xen-driver-contest";

function xl(): Subject {
  const config = join(directory, "xl");
  writeFileSync(config, `name="xl"\nkernel="${kernel}"\nmemory=16\n`);
  const script = join(import.meta.dirname, "xen-xl.sh");
  return program("xl", "bash", [script, config], xlRepeats, (measure) => (measure === "create" ? "run" : measure));
}

function daemon(name: string, client: DaemonClient, close: () => Promise<void>): Subject {
  const { call } = client;
  const xml = `<domain type='xen'><name>${name}</name><memory unit='MiB'>16</memory>
    <os><type>linux</type><kernel>${kernel}</kernel></os></domain>`;
  let dom: Domain | undefined;
  const guest = (): Domain => dom ?? { name, uuid: "", id: -1 };
  const actions: Record<DriverMeasure, (times: number) => Promise<unknown>> = {
    async create() {
      ({ dom } = await call.domainCreateXml({ xmlDesc: xml, flags: 0 }));
    },
    async pause(times) {
      for (let count = 0; count < times; count++) {
        await call.domainSuspend({ dom: guest() });
        await call.domainResume({ dom: guest() });
      }
    },
    destroy: () => call.domainDestroy({ dom: guest() }),
    async list(times) {
      for (let count = 0; count < times; count++) await call.connectListAllDomains({ needResults: 1, flags: 0 });
    },
  };
  return called(name, actions, async () => {
    await client[Symbol.asyncDispose]();
    await close();
  });
}

async function served(name: string, side: OurXenDaemon | XenLibvirtd): Promise<Subject> {
  await side.start();
  return daemon(name, await DaemonClient.open(loop, side.socket, uri), () => side.stop());
}

async function theirs(): Promise<Subject | undefined> {
  try {
    if (XenLibvirtd.obstacle !== undefined) throw new Error(XenLibvirtd.obstacle);
    return await served("libvirtd", new XenLibvirtd(join(directory, "libvirtd")));
  } catch (error) {
    console.error(`without libvirtd: ${String(error)}`);
    return undefined;
  }
}

mkdirSync(directory);
const loop = openLoop();
const subjects = [xl(), await served("ours", new OurXenDaemon(join(directory, "ours")))];
const teacher = await theirs();
if (teacher !== undefined) subjects.push(teacher);
const taken: DriverTaken = await takeRounds(subjects, driverMeasures);
await loop.close();
console.log(JSON.stringify(taken));
process.exit(0);
