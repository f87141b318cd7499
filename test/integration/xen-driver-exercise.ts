/**
 * Runs in dom0, as root: the daemon with its Xen driver, virsh before it and xl beside it. Prints one JSON object for the
 * test to judge, and on stderr how far it has come; its argument is the kernel of a small paravirtualised guest.
 */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect, promisify } from "node:util";
import { Daemon } from "../../src/daemon/index.ts";
import { XenDriver } from "../../src/driver/xen/index.ts";
import { openLoop } from "../../src/os/index.ts";
import { wordsOf } from "../driver/xen/bench.ts";

const run = promisify(execFile);
const [, , kernel = ""] = process.argv;
const directory = "/tmp/xen-driver";
const socket = `${directory}/sock`;
const results: Record<string, unknown> = {};
const errors: string[] = [];
const told: string[] = [];
const loop = openLoop({ onError: (error) => errors.push(String(error)) });

function note(text: string): void {
  process.stderr.write(`${Math.round(performance.now())} ms: ${text}\n`);
}

/** What virsh prints, or complains of. */
async function virsh(...args: string[]): Promise<string> {
  note(`virsh ${args.join(" ")}`);
  const address = `xen+unix:///system?socket=${socket}`;
  const options = { timeout: 120_000, env: { LC_ALL: "C", PATH: "/usr/bin:/bin" } };
  const { stdout, stderr } = await run("/usr/bin/virsh", ["-c", address, ...args], options).catch(
    (error: { stdout?: string; stderr?: string }) => ({ stdout: error.stdout ?? "", stderr: error.stderr ?? "" }),
  );
  return (stdout + stderr).trim();
}

async function until(what: string, holds: () => boolean): Promise<number> {
  const begun = performance.now();
  while (!holds()) {
    if (performance.now() - begun > 120_000) throw new Error(`waited in vain for ${what}; told: ${told.join(", ")}`);
    await sleep(20);
  }
  return performance.now() - begun;
}

interface Serving {
  readonly driver: XenDriver;
  close(): Promise<void>;
}

async function serve(): Promise<Serving> {
  const driver = await XenDriver.open(loop, {
    stateDir: `${directory}/state`,
    runDir: `${directory}/run`,
    onWarning: (error) => errors.push(inspect(error)),
  });
  driver.subscribe(({ event }) => told.push(`${event.dom.name} ${wordsOf(event).replace(/ \d+$/, "")}`));
  const daemon = new Daemon(loop, { drivers: [driver] });
  daemon.listen({ path: socket });
  return {
    driver,
    close: async () => {
      await daemon.close();
      await driver.close();
    },
  };
}

const states = async (): Promise<string[]> =>
  (await virsh("list", "--all"))
    .split("\n")
    .slice(2)
    .map((line) =>
      line
        .trim()
        .replace(/ {2,}/g, " ")
        .replace(/^[1-9]\d* /, "N "),
    );

await run("mkdir", ["-p", directory]);
writeFileSync(
  `${directory}/tiny.xml`,
  `<domain type='xen'><name>tiny</name><memory unit='MiB'>16</memory><os><type>linux</type><kernel>${kernel}</kernel>` +
    "<cmdline>tick=200</cmdline></os></domain>",
);
writeFileSync(`${directory}/theirs`, `name="theirs"\nkernel="${kernel}"\nmemory=16\nextra="tick=200"\n`);

note("opening");
let serving = await serve();
note("open");
try {
  results["at first"] = await states();
  results["version"] = /Running hypervisor: (.*)/.exec(await virsh("version"))?.[1];
  await virsh("define", `${directory}/tiny.xml`);
  await virsh("start", "tiny");
  results["started"] = await states();
  results["shown"] = /<domain type='xen' id='\d+'>/.test(await virsh("dumpxml", "tiny"));
  await virsh("suspend", "tiny");
  results["suspended"] = await virsh("domstate", "--reason", "tiny");
  await virsh("resume", "tiny");
  const console = `virsh -c 'xen+unix:///system?socket=${socket}' console tiny`;
  note("console");
  const { stdout } = await run("timeout", ["20", "script", "-qc", console, "/dev/null"], {}).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? "" }),
  );
  results["console"] = /tick \d+/.test(stdout);
  await virsh("save", "tiny", `${directory}/image`);
  results["saved"] = await states();
  await virsh("restore", `${directory}/image`);
  results["restored"] = await states();
  told.push("--");
  await virsh("reboot", "tiny");
  await until("the reboot", () => told.slice(told.indexOf("--")).includes("tiny started booted"));
  note("xl create");
  const created = performance.now();
  await run("xl", ["create", "-q", `${directory}/theirs`]);
  await until("their guest", () => told.includes("theirs started booted"));
  note(`seen ${Math.round(performance.now() - created)} ms after xl create began`);
  results["with theirs"] = await states();
  results["theirs shown"] = /<kernel>/.test(await virsh("dumpxml", "theirs"));
  await run("xl", ["destroy", "theirs"]);
  const waited = await until("its end", () => told.includes("theirs stopped destroyed"));
  note(`its end was told ${Math.round(waited)} ms after xl destroy had ended`);
  await serving.close();
  told.push("-- the next daemon");
  serving = await serve();
  results["taken up"] = await states();
  await virsh("managedsave", "tiny");
  await virsh("start", "tiny");
  results["started from what was saved"] = await states();
  await virsh("shutdown", "tiny");
  await until("power off", () => told.at(-1) === "tiny stopped shutdown");
  await virsh("start", "tiny", "--paused");
  results["started paused"] = await virsh("domstate", "--reason", "tiny");
  await virsh("destroy", "tiny");
  await virsh("undefine", "tiny");
} catch (error) {
  errors.push(String(error));
}
results["at last"] = await states();
await serving.close();
await loop.close();
results["left"] = (await run("xl", ["list"])).stdout.trim().split("\n").length - 1;
process.stdout.write(JSON.stringify({ ...results, told, errors }));
process.exit(0);
