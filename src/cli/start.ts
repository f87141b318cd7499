import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { localContext } from "../driver/local-context.ts";
import { helloDefinition, type QemuDriver } from "../driver/qemu/index.ts";
import { type DomainEvent, ErrorCode, VirError } from "../protocol/index.ts";
import { ending } from "./ending.ts";
import { eventText } from "./event-text.ts";
import { isInstalled } from "./installed.ts";
import { oneLine } from "./log/log-line.ts";
import { Logger } from "./log/logger.ts";
import { type TrialPlaces, trialPlaces } from "./places.ts";
import { qemuAdvice, Service } from "./service.ts";

const startUsage = `virtwright start: serves the test hypervisor and QEMU guests to virsh, from a directory of its own,
until Ctrl-C

  --directory DIR    definitions, logs and sockets (default: run, below the present directory)

Defines a guest "hello" where QEMU is installed and there is none, prints what to try, and a line for each event.
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
  // A terminal and npm both send SIGINT, and a terminal that closes SIGHUP.
  const told = ending({ signals: ["SIGINT", "SIGTERM", "SIGHUP"] });
  // Who reads what we print may leave; the daemon stays.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  await serve(trialPlaces(resolve(values.directory)), told);
  return 0;
}

async function serve(places: TrialPlaces, told: Promise<unknown>): Promise<void> {
  const uri = process.getuid?.() === 0 ? "qemu:///system" : "qemu:///session";
  const advice = qemuAdvice();
  using logger = new Logger({ level: 3, filters: [], outputs: [{ level: 1, kind: "stderr" }] });
  await using service = await Service.open({
    drivers: advice === undefined ? ["qemu", "xen", "test"] : ["xen", "test"],
    uri,
    places,
    log: logger.write,
  });
  await service.subscribe((driver, event) => say(eventLine(driver, event)));
  service.listen([
    { path: places.socket, mode: 0o600 },
    { path: places.readOnlySocket, mode: 0o600, readOnly: true },
  ]);
  if (service.qemu !== undefined) await defineHello(service.qemu, places);
  say(welcome(places, service.qemu === undefined ? undefined : uri));
  if (advice !== undefined) say(`${advice}\n`);
  if (!isInstalled("virsh")) say("virsh is missing; to install it: sudo apt-get install libvirt-clients\n");
  await told;
  say(advice === undefined ? "ending; QEMU's guests run on, and the next start finds them" : "ending");
}

async function defineHello(driver: QemuDriver, places: TrialPlaces): Promise<void> {
  const context = localContext();
  const { domainLookupByName, domainDefineXmlFlags } = driver.procedures;
  try {
    await domainLookupByName?.({ name: "hello" }, context);
  } catch (error) {
    if (!(error instanceof VirError) || error.code !== ErrorCode.noDomain) throw error;
    const xml = helloDefinition({ serialLog: serialLog(places) });
    await domainDefineXmlFlags?.({ xml, flags: 0 }, context);
  }
}

function eventLine(driver: string, event: DomainEvent): string {
  const time = new Date().toTimeString().slice(0, 8);
  return oneLine(`${time} ${driver}: ${event.dom.name} ${eventText(event)}`);
}

/** `uri`: what QEMU's guests are reached by; undefined without QEMU. */
function welcome(places: TrialPlaces, uri: string | undefined): string {
  const query = `?socket=${escapePath(places.socket)}`;
  const test = `test+unix:///default${query}`;
  const lines = [
    "",
    `Serving test:///default${uri === undefined ? "" : ` and ${uri}`} on ${places.socket}`,
    "",
    "Try, in other terminals:",
    "",
    `  virsh -c '${test}' list`,
    `  virsh -c '${test}' suspend test`,
    `  virsh -c '${test}' event --all --loop`,
    "",
  ];
  if (uri !== undefined) {
    lines.push(
      "and the same with QEMU:",
      "",
      `  virsh -c '${uri.replace("qemu:", "qemu+unix:")}${query}' start hello`,
      "",
      `Its serial port is in ${serialLog(places)}.`,
    );
  }
  const after = uri === undefined ? "" : "; QEMU's guests run on";
  lines.push(`Ctrl-C ends the daemon${after}. Below, a line for each event:`, "");
  return lines.join("\n");
}

function serialLog({ logDir }: TrialPlaces): string {
  return join(logDir, "hello-serial.log");
}

/** For a URI's query, and for single quotes in a shell. */
function escapePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/").replaceAll("'", "%27");
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
