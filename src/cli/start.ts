import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Daemon } from "../daemon/index.ts";
import { localContext } from "../driver/local-context.ts";
import { helloDefinition, QemuDriver } from "../driver/qemu/index.ts";
import { TestDriver } from "../driver/test/index.ts";
import { openLoop } from "../os/index.ts";
import { type DomainEvent, ErrorCode, VirError } from "../protocol/index.ts";
import { lifecycleText } from "./lifecycle-text.ts";
import { type Places, placesIn } from "./places.ts";

const startUsage = `virtwright start: serves QEMU guests to virsh, from a directory of its own, until Ctrl-C

  --directory DIR    definitions, logs and sockets (default: run, below the present directory)

Defines a guest "hello" when there is none, prints what to try, and a line for each event.
`;

/** Returns the exit code, when the daemon was told to end and has ended. */
export async function start(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { directory: { type: "string", default: "run" }, help: { type: "boolean", default: false } },
  });
  if (values.help) {
    process.stdout.write(startUsage);
    return 0;
  }
  const told = ending();
  // Who reads what we print may leave; the daemon stays.
  process.stdout.on("error", () => {});
  const places = placesIn(resolve(values.directory));
  await using loop = openLoop();
  const uri = process.getuid?.() === 0 ? "qemu:///system" : "qemu:///session";
  const onWarning = (error: unknown): void => say(`warning: ${text(error)}`);
  await using qemu = await QemuDriver.open(loop, { uri, ...places, onWarning });
  await using simulated = new TestDriver(loop, { onWarning });
  for (const driver of [qemu, simulated]) driver.subscribe(({ event }) => say(eventLine(driver.name, event)));
  await using daemon = new Daemon(loop, {
    drivers: [qemu, simulated],
    log: ({ level, message, peer }) => {
      if (level !== "debug") say(`${level}: ${peer === undefined ? "" : `client ${peer}: `}${message}`);
    },
  });
  daemon.listen({ path: places.socket, mode: 0o600 });
  daemon.listen({ path: places.readOnlySocket, mode: 0o600, readOnly: true });
  await defineHello(qemu, places);
  say(advice(uri, places));
  await told;
  say("ending; guests run on, and the next start finds them");
  return 0;
}

/** Resolves at the first SIGINT or SIGTERM; later ones (a terminal and npm both send SIGINT) change nothing. */
function ending(): Promise<void> {
  return new Promise((end) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => end());
  });
}

async function defineHello(driver: QemuDriver, places: Places): Promise<void> {
  const context = localContext();
  const { domainLookupByName, domainDefineXmlFlags } = driver.procedures;
  try {
    await domainLookupByName?.({ name: "hello" }, context);
  } catch (error) {
    if (!(error instanceof VirError) || error.code !== ErrorCode.noDomain) throw error;
    const xml = helloDefinition({ serialLog: join(places.logDir, "hello-serial.log") });
    await domainDefineXmlFlags?.({ xml, flags: 0 }, context);
  }
}

function eventLine(driver: string, event: DomainEvent): string {
  const time = new Date().toTimeString().slice(0, 8);
  const what = event.name === "lifecycle" ? lifecycleText(event.event, event.detail) : event.name;
  return `${time} ${driver}: ${event.dom.name} ${what}`;
}

function advice(uri: string, { socket, logDir }: Places): string {
  const parameters = `?socket=${escapePath(socket)}`;
  const address = `${uri.replace("qemu:", "qemu+unix:")}${parameters}`;
  const lines = [
    "",
    `Serving ${uri} and test:///default on ${socket}`,
    "Try, in other terminals:",
    "",
    `  virsh -c '${address}' list --all`,
    `  virsh -c '${address}' start hello`,
    `  virsh -c '${address}' event --event lifecycle --loop`,
    "",
    "and libvirt's test hypervisor, which is simulated:",
    "",
    `  virsh -c 'test+unix:///default${parameters}' list`,
    "",
    `The guest's serial port is in ${join(logDir, "hello-serial.log")}. Ctrl-C ends the daemon; guests run on.`,
    "",
  ];
  if (!inPath("virsh")) lines.push("virsh is missing; to install it:", "  sudo apt-get install libvirt-clients", "");
  if (!inPath("qemu-system-x86_64")) {
    lines.push("QEMU is missing, so guests cannot start; to install it:", "  sudo apt-get install qemu-system-x86", "");
  }
  return lines.join("\n");
}

/** For a URI's query, and for single quotes in a shell. */
function escapePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/").replaceAll("'", "%27");
}

function inPath(program: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((directory) => existsSync(join(directory, program)));
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
