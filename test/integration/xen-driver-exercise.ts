/**
 * Runs in dom0, as root: the daemon with its Xen driver, virsh before it and xl beside it. Prints one JSON object for the
 * test to judge, and on stderr how far it has come; its argument is the kernel of a small paravirtualised guest.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
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
const address = `xen+unix:///system?socket=${socket}`;
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
  driver.subscribe(({ event }) => {
    const words = `${event.dom.name} ${wordsOf(event).replace(/ \d+$/, "")}`;
    // xl makes a guest paused, and pauses it before it destroys it: whether that is seen is chance.
    if (!/^theirs (suspended|resumed) /.test(words)) told.push(words);
  });
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

/** The lines of a table, without the title. */
const rowsOf = (table: string): string[] =>
  table
    .split("\n")
    .slice(2)
    .map((line) =>
      line
        .trim()
        .replace(/ {2,}/g, " ")
        .replace(/^[1-9]\d* /, "N "),
    );

const states = async (): Promise<string[]> => rowsOf(await virsh("list", "--all"));

/** What virsh has printed on a terminal when it had printed this, or had ended, or was ended after that time. */
async function heard(wanted: RegExp, command: string, patienceMs = 120_000): Promise<string> {
  note(`virsh ${command}`);
  const args = ["-qc", `virsh -c '${address}' ${command}`, "/dev/null"];
  const child = spawn("script", args, { stdio: ["ignore", "pipe", "ignore"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  let text = "";
  child.stdout.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
    if (wanted.test(text)) child.kill();
  });
  await once(child, "close");
  clearTimeout(timer);
  return text;
}

/** What virsh says of the host, and whether Xen says the same. */
async function compareHost(): Promise<void> {
  const said = await virsh(
    "version; nodeinfo; freecell --all; schedinfo Domain-0; dominfo Domain-0; domstats; capabilities",
  );
  const { stdout: xl } = await run("xl", ["info"]);
  const ours = (name: string): number => Number(new RegExp(`^ *${name}[=:]? +(\\d+)`, "m").exec(said)?.[1]);
  const theirs = (name: string): number => Number(new RegExp(`^${name} +: (\\d+)`, "m").exec(xl)?.[1]);
  results["version"] = /Running hypervisor: (.*)/.exec(said)?.[1];
  results["processors"] = [ours("CPU\\(s\\):"), ours("Core\\(s\\) per socket:")].map(
    (count, at) => count === theirs(["nr_cpus", "cores_per_socket"][at] ?? ""),
  );
  results["memory"] = Math.round(ours("Memory size:") / 1024) === theirs("total_memory");
  results["cells"] = /<cells num='1'>\s*<cell id='0'>\s*<memory unit='KiB'>\d+<\/memory>\s*<cpus num='1'>/.test(said);
  results["free by cell"] = Math.abs(ours("0:") / 1024 - theirs("free_memory")) < 64;
  results["scheduler"] = [/^Scheduler +: (.*)$/m.exec(said)?.[1], ours("weight +:")];
  results["domain 0"] = [/^OS Type: +(.*)$/m.exec(said)?.[1], /state\.state=1$/m.test(said)];
}

/** A block device and a bridge of the host's, plugged and unplugged. */
async function plug(): Promise<void> {
  await run("sh", ["-c", `truncate -s 1M ${directory}/disk && losetup /dev/loop0 ${directory}/disk`]);
  await run("sh", ["-c", "ip link add br0 type bridge && ip link set br0 up"]);
  const card = "bridge br0 --mac 00:16:3e:00:00:01";
  const listed = async (): Promise<string[]> => {
    const text = await virsh("domblklist tiny; domblklist tiny --inactive; domiflist tiny");
    const { stdout } = await run("xl", ["block-list", "tiny"]);
    const disks = stdout.trim().split("\n").length - 1;
    return [...text.matchAll(/xvda|00:16:3e:00:00:01/g)].map(([name]) => name).concat(`libxl has ${disks}`);
  };
  note(await virsh(`attach-disk tiny /dev/loop0 xvda --live --config; attach-interface tiny ${card}`));
  results["plugged"] = await listed();
  note(await virsh(`detach-disk tiny xvda --live --config; detach-interface tiny bridge --mac 00:16:3e:00:00:01`));
  results["unplugged"] = await listed();
}

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
  await compareHost();
  // Until the reboot: what virsh is told is what we have told.
  const watching = heard(/Stopped[^]*Started[^]*Stopped/, "event --loop --event lifecycle", 400_000);
  await virsh(`define ${directory}/tiny.xml; start tiny`);
  results["started"] = await states();
  results["shown"] = /<domain type='xen' id='\d+'>/.test(await virsh("dumpxml", "tiny"));
  results["suspended"] = (await virsh("suspend tiny; domstate --reason tiny; resume tiny"))
    .split("\n")
    .includes("paused (user)");
  results["console"] = /tick \d+/.test(await heard(/tick \d+/, "console tiny"));
  await plug();
  results["saved"] = rowsOf((await virsh(`save tiny ${directory}/image; list --all`)).replace(/^[^]*(?=^ Id)/m, ""));
  results["restored"] = rowsOf((await virsh(`restore ${directory}/image; list --all`)).replace(/^[^]*(?=^ Id)/m, ""));
  told.push("--");
  await virsh("reboot", "tiny");
  await until("the reboot", () => told.slice(told.indexOf("--")).includes("tiny started booted"));
  // It has begun to listen at some time or other.
  const lines = [...(await watching).matchAll(/'lifecycle' for domain '(\w+)': (.*)\r/g)];
  const words = lines.map(([, name, what = ""]) => `${name} ${what.toLowerCase()}`);
  note(`virsh was told ${words.join(", ")}`);
  results["virsh was told"] =
    words.length > 3 &&
    told
      .filter((each) => each !== "--")
      .join()
      .includes(words.join());
  note("xl create");
  await run("xl", ["create", "-q", `${directory}/theirs`]);
  const seen = await until("their guest", () => told.includes("theirs started booted"));
  note(`seen ${Math.round(seen)} ms after xl create had ended`);
  results["with theirs"] = await states();
  results["theirs shown"] = /<kernel>/.test(await virsh("dumpxml", "theirs"));
  await run("xl", ["destroy", "theirs"]);
  const waited = await until("its end", () => told.includes("theirs stopped destroyed"));
  note(`its end was told ${Math.round(waited)} ms after xl destroy had ended`);
  results["seen within a second"] = [seen, waited].map((ms) => ms < 1_000);
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
