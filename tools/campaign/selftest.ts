import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { smallLinux } from "../../lab/guest/linux.ts";
import { fetchPackages } from "../../lab/xen/fetch.ts";
import { type SelftestOptions, type SelftestResult, selftest, tapStep } from "../../src/acceptance/index.ts";
import { FullDisk } from "../../src/cli/selftest/full-disk.ts";
import { signalGuest } from "../../src/cli/selftest/guest-process.ts";
import { domain, type OpenOptions, open } from "../../src/open/index.ts";
import { PrivateLibvirtd } from "../../test/conformance/qemu/private-libvirtd.ts";
import { libvirtd, Teacher } from "../../test/conformance/virsh/teacher.ts";
import { Program } from "../../test/integration/program.ts";
import { judgeInXen } from "./in-xen.ts";

/** What follows the first findings is often their consequence. */
const mostShown = 5;

/** A hypervisor of its own, which is there for one run. */
interface Place {
  readonly uri: string;
  readonly embed?: OpenOptions["embed"];
  readonly end: () => Promise<unknown>;
}
type Begin = (directory: string) => Promise<Place>;

const fleeting: Readonly<Record<string, Begin>> = {
  "libvirt's test driver": (directory) => begun(new Teacher(directory), "test:///default"),
  "our test driver, in this process": async () => ({ uri: "test:///default", embed: true, end: async () => {} }),
  "our test driver, in a daemon": (directory) => ours(directory, "test:///default"),
  "our QEMU driver, in this process": async (directory) => ({
    uri: "qemu:///system",
    embed: { directory },
    end: async () => {},
  }),
  "our QEMU driver, in a daemon": (directory) => ours(directory, "qemu:///session"),
  "libvirt's QEMU driver": (directory) => begun(new PrivateLibvirtd(directory), "qemu:///system"),
};

const xenName = "our Xen driver, in domain 0 of a Xen";

/** The test script against all that there is. True when each driver has passed, and has been asked. */
export async function selftests(args: readonly string[]): Promise<boolean> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      domains: { type: "string", default: "8" },
      rounds: { type: "string", default: "20" },
      only: { type: "string", default: "" },
      system: { type: "boolean", default: false },
    },
  });
  if (!existsSync(libvirtd) || PrivateLibvirtd.obstacle !== undefined) {
    console.log(`not all can be asked: ${PrivateLibvirtd.obstacle ?? `${libvirtd} is not installed`}`);
    return false;
  }
  const guest = values.system ? await guestWithSystem() : {};
  const options = { domains: Number(values.domains), rounds: Number(values.rounds), ...guest };
  let isFine = true;
  for (const [name, begin] of Object.entries(fleeting)) {
    if (!name.includes(values.only) || (values.system && !name.includes("QEMU"))) continue;
    isFine = (await play(name, begin, options)) && isFine;
  }
  if (xenName.includes(values.only) && !values.system) isFine = (await playInXen(options)) && isFine;
  return isFine;
}

/** In the lab: a guest's round takes half a minute of a processor's time, a boot one minute. */
function playInXen({ domains, rounds }: { readonly domains: number; readonly rounds: number }): Promise<boolean> {
  console.log(`${xenName}:`);
  execFileSync(process.execPath, [join(import.meta.dirname, "../bundle.ts")]);
  const command = `node dist/cli/main.js selftest --connect xen:///system --domains ${domains} --rounds ${rounds}`;
  const options = { timeoutMs: (domains * rounds * 90 + 600) * 1_000, memoryMib: 2_048, dom0MemoryMib: 1_200 };
  return judgeInXen(command, options, ({ exitCode }) => (exitCode === 0 ? [] : [`it has ended with ${exitCode}`]));
}

async function play(name: string, begin: Begin, options: SelftestOptions): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "vws-"));
  // Whoever serves the guests writes here.
  chmodSync(directory, 0o777);
  const started = performance.now();
  try {
    using full = FullDisk.mount(directory, name.includes("QEMU") ? "QEMU" : "TEST");
    const { uri, embed = false, end } = await begin(join(directory, "place"));
    try {
      await using connection = await open(uri, { embed });
      const result = await selftest(connection, {
        directory,
        deadlineMs: 120_000,
        signal: signalGuest,
        remove: async (path) => rmSync(path, { force: true }),
        list: async (place) => readdirSync(place),
        ...(full !== undefined && { full: full.path }),
        onStep: ({ step, round }) => {
          if (step === "end" && round % 5 === 0) console.log(`  ${name}: a guest has gone round ${round} times`);
        },
        ...options,
      });
      print(name, result, performance.now() - started);
      return result.ok;
    } finally {
      await end();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function print(name: string, { steps, leaks }: SelftestResult, ms: number): void {
  const count = (wanted: string): number => steps.filter(({ outcome }) => outcome === wanted).length;
  const refused = steps.reduce((sum, { repeated = 0 }) => sum + repeated, 0);
  const figures = `${count("ok")} steps ok, ${count("failed")} failed, ${count("skipped")} skipped`;
  console.log(
    `${name}: ${figures}, refused ${refused} times at first, ${leaks.length} leaks; ${Math.round(ms / 1000)} s`,
  );
  const reasons = new Set(steps.flatMap(({ outcome, reason = "" }) => (outcome === "skipped" ? [reason] : [])));
  for (const reason of reasons) console.log(`  skipped: ${reason}`);
  const failed = steps.filter(({ outcome }) => outcome === "failed");
  for (const [index, step] of failed.slice(0, mostShown).entries()) console.log(tapStep(step, index + 1));
  for (const leak of leaks.slice(0, mostShown)) console.log(`  ${leak}`);
}

async function begun(server: Teacher | PrivateLibvirtd, path: string): Promise<Place> {
  await server.start();
  return { uri: `${path.replace(":", "+unix:")}?socket=${server.socket}`, end: () => server.stop() };
}

/** A daemon as a user has it. */
async function ours(directory: string, path: string): Promise<Place> {
  const places = ["XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME"].map((name) => [name, directory]);
  const main = join(import.meta.dirname, "../../src/cli/main.ts");
  const env = { ...process.env, ...(Object.fromEntries(places) as NodeJS.ProcessEnv) };
  const daemon = new Program(process.execPath, [main, "daemon", "--session", "--verbose"], env);
  await daemon.has(/ready: serving/, 60_000);
  const uri = `${path.replace(":", "+unix:")}?socket=${join(directory, "virtwright/virtwright-sock")}`;
  return { uri, end: () => daemon.end("SIGTERM") };
}

/** A Linux that says when it obeys its power button, and has a shell. */
async function guestWithSystem(): Promise<SelftestOptions> {
  const { kernel: path, initrd } = await smallLinux(await fetchPackages());
  const kernel = { path, initrd, commandLine: "console=ttyS0 quiet" };
  const common = { name: "guest", type: "qemu", machine: "pc", console: "pty", memory: "128MiB" } as const;
  const definition = domain({ ...common, kernel, vcpus: { maximum: 2, current: 1 } }).toXml();
  return { definition, ready: "guest# ", shell: true, deadlineMs: 300_000 };
}
