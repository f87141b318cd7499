import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { loadConfig } from "../configured-daemon.ts";
import { socketsOf } from "../daemon-settings.ts";
import { systemPlaces } from "../places.ts";
import { UsageError } from "../usage-error.ts";
import { serviceUnits, type Unit } from "./service-units.ts";

const usage = `usage: virtwright install-service [--write] [--remove] [--libvirt-sockets] [--directory DIR]

The system's daemon as a service of systemd: shows the units, and with --write puts them in their place (as root). systemd
listens in the daemon's place, begins it with the first client, and guests run on when it is started anew. Sockets are as
/etc/virtwright/virtwright.conf says: when that changes, install again.

  --write              writes the files (or removes them), and has systemd read them
  --remove             the other way round
  --libvirt-sockets    serves libvirtd's own sockets too, so that clients need no address
  --directory DIR      instead of /etc/systemd/system

man virtwright-daemon, man virtwright.conf
`;

/** Of a process that runs on when it is told to end: what is after shutdown_timeout. */
const endingS = 30;
/** What stands in each of our files, and by which they are known again. */
const mark = "(virtwright)";

export async function installService(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      write: { type: "boolean", short: "y", default: false },
      remove: { type: "boolean", default: false },
      "libvirt-sockets": { type: "boolean", default: false },
      directory: { type: "string", default: "/etc/systemd/system" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return print(usage);
  const { write, remove, directory } = values;
  if (remove) return removeUnits(directory, write);
  const units = unitsFor(values["libvirt-sockets"]);
  for (const { name, text } of units) print(`# ${join(directory, name)}\n${text}\n`);
  if (!write) return print("Nothing is written yet: --write does it.\n");
  for (const { name, text } of units) put(join(directory, name), text);
  return print(`Written.${reload(directory)} To begin: systemctl enable --now ${namesOf(units)}\n`);
}

/** What the machine's daemon is to be, by its own configuration. */
function unitsFor(libvirtSockets: boolean): Unit[] {
  const { config } = loadConfig({ configFile: systemPlaces.configFile, mayBeMissing: true });
  const options = libvirtSockets ? ["--libvirt-sockets"] : [];
  return serviceUnits({
    command: [process.execPath, ...process.execArgv, mainFile(), "daemon", ...options],
    sockets: socketsOf(config, systemPlaces, libvirtSockets),
    endS: config.shutdown_timeout + endingS,
  });
}

/** Where this program stands, for good. */
function mainFile(): string {
  const file = realpathSync(process.argv[1] as string);
  if (!file.includes("/_npx/")) return file;
  throw new UsageError(
    `${file} stays only as long as npx likes: npm install -g virtwright, then virtwright install-service`,
  );
}

function removeUnits(directory: string, write: boolean): number {
  // All that there may be, whichever were asked for then.
  const files = unitsFor(true)
    .map(({ name }) => join(directory, name))
    .filter((path) => existsSync(path) && readFileSync(path, "utf8").includes(mark));
  if (files.length === 0) return print(`There is no service of virtwright's in ${directory}.\n`);
  for (const path of files) print(`${path}\n`);
  if (!write) return print("Nothing is removed yet: --remove --write does it.\n");
  const isManaged = isSystemd(directory);
  if (isManaged) systemctl("disable", "--now", ...files.map((path) => path.slice(directory.length + 1)));
  for (const path of files) change(path, () => rmSync(path));
  return print(`Removed.${reload(directory)} Guests run on, and what is theirs is left.\n`);
}

function put(path: string, text: string): void {
  if (existsSync(path) && !readFileSync(path, "utf8").includes(mark))
    throw new UsageError(`${path} is somebody else's: move it out of the way, or choose another --directory`);
  change(path, () => writeFileSync(path, text));
}

function change(path: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}: root may, by sudo`);
  }
}

/** Says whether systemd has been told. */
function reload(directory: string): string {
  if (!isSystemd(directory)) return "";
  systemctl("daemon-reload");
  return " systemd has read them.";
}

/** Whether these are the units of a systemd that runs this machine. */
function isSystemd(directory: string): boolean {
  return directory === "/etc/systemd/system" && existsSync("/run/systemd/system");
}

function systemctl(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("systemctl", args, { encoding: "utf8" });
  if (status !== 0) throw new UsageError(`systemctl ${args.join(" ")}: ${stderr.trim()}`);
}

function namesOf(units: readonly Unit[]): string {
  return units.map(({ name }) => name).join(" ");
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
