/** Runs in dom0, as root. Prints what each subject's rounds have taken, as JSON, in microseconds. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isSocketServed, openLoop } from "../src/os/index.ts";
import type { Domain } from "../src/protocol/index.ts";
import { DaemonClient } from "../test/integration/killed-daemon/daemon-client.ts";
import { DaemonLife } from "../test/integration/killed-daemon/daemon-life.ts";
import { type DriverMeasure, type DriverTaken, driverMeasures } from "./xen-board.ts";
import { called, program, type Subject as SubjectOf, takeRounds, xlLists } from "./xen-rounds.ts";

type Subject = SubjectOf<DriverMeasure>;

const { XEN_LAB_GUEST: kernel = "" } = process.env;
const uri = "xen:///system";
const directory = "/tmp/xen-driver-contest";

function xl(): Subject {
  const config = join(directory, "xl");
  writeFileSync(config, `name="xl"\nkernel="${kernel}"\nmemory=16\n`);
  const script = join(import.meta.dirname, "xen-xl.sh");
  return program("xl", "bash", [script, config], xlLists, (measure) => (measure === "create" ? "run" : measure));
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
    pause: () => call.domainSuspend({ dom: guest() }),
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

async function ours(): Promise<Subject> {
  const path = join(directory, "sock");
  const script = fileURLToPath(new URL("../test/integration/killed-xen-daemon/daemon-process.ts", import.meta.url));
  const life = new DaemonLife(path, uri, undefined, script, 300_000);
  if (!(await life.serves())) throw new Error("our daemon does not serve");
  return daemon("ours", await DaemonClient.open(loop, path, uri), async () => void (await life.end()));
}

/** Debian's, with its Xen driver and no other. */
async function theirs(): Promise<Subject | undefined> {
  const [libvirtd, module] = [
    "/usr/sbin/libvirtd",
    "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_libxl.so",
  ];
  if (!existsSync(libvirtd) || !existsSync(module)) return undefined;
  const drivers = join(directory, "drivers");
  mkdirSync(drivers);
  symlinkSync(module, join(drivers, "libvirt_driver_libxl.so"));
  const configuration = join(directory, "libvirtd.conf");
  writeFileSync(
    configuration,
    `unix_sock_dir = "${directory}/libvirt"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\nlog_outputs = "2:stderr"\n`,
  );
  mkdirSync(join(directory, "libvirt"));
  const process_ = spawn(libvirtd, ["-f", configuration, "--pid-file", join(directory, "pid")], {
    env: { ...process.env, LIBVIRT_DRIVER_DIR: drivers },
    stdio: ["ignore", 2, 2],
  });
  const path = join(directory, "libvirt", "libvirt-sock");
  for (let tries = 0; !isSocketServed(path); tries++) {
    if (tries > 600) {
      process_.kill();
      throw new Error("libvirtd does not serve after a minute: its messages are above");
    }
    await sleep(100);
  }
  return daemon("libvirtd", await DaemonClient.open(loop, path, uri), async () => void process_.kill());
}

mkdirSync(directory);
const loop = openLoop();
const subjects = [xl(), await ours()];
const teacher = await theirs().catch((error: unknown) => console.error(`without libvirtd: ${String(error)}`));
if (teacher !== undefined) subjects.push(teacher);
const taken: DriverTaken = await takeRounds(subjects, driverMeasures);
await loop.close();
console.log(JSON.stringify(taken));
process.exit(0);
