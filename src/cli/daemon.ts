import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { takePassedSockets, tellServiceManager } from "../os/index.ts";
import { ConfiguredDaemon, type ConfiguredDaemonOptions, loadConfig } from "./configured-daemon.ts";
import { accessOf, openDoorsOf, portsOf } from "./daemon-settings.ts";
import { ending } from "./ending.ts";
import { placesOf, systemPlaces } from "./places.ts";
import { resolveSecurity } from "./qemu-security.ts";
import { UsageError } from "./usage-error.ts";

export const daemonUsage = `virtwright daemon: serves QEMU guests and libvirt's test hypervisor on Unix sockets, until SIGTERM

  --config FILE        reads FILE; by default /etc/virtwright/virtwright.conf for root, for others
                       $XDG_CONFIG_HOME/virtwright/virtwright.conf, which may be missing
  --check-config       says whether the file is in order, and ends
  --libvirt-sockets    serves libvirtd's own sockets too, so that clients need no address; refused while a daemon does
  --session            a daemon of one's own, for root too
  --pid-file FILE      instead of virtwright.pid beside the sockets
  --timeout SECONDS    ends when for so long no client was connected, and no guest of QEMU or Xen runs
  --verbose            logs what happens, not warnings and errors alone

SIGHUP reads the file again and reopens log files. SIGTERM and SIGINT answer what is under way, then end; a second one
ends at once. Guests run on. Exit code 0 when it ended in order, 1 when it could not begin or was told twice.
`;

/** Returns the exit code, when the daemon was told to end and has ended. */
export async function daemon(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      config: { type: "string" },
      "check-config": { type: "boolean", default: false },
      "libvirt-sockets": { type: "boolean", default: false },
      session: { type: "boolean", default: false },
      "pid-file": { type: "string" },
      timeout: { type: "string", default: "0" },
      verbose: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return print(daemonUsage);
  const places = placesOf(values.session);
  const options = {
    places,
    uri: places === systemPlaces ? "qemu:///system" : "qemu:///session",
    configFile: resolve(values.config ?? places.configFile),
    mayBeMissing: values.config === undefined,
    pidFile: resolve(values["pid-file"] ?? places.pidFile),
    libvirtSockets: values["libvirt-sockets"],
    verbose: values.verbose,
    passed: takePassedSockets(),
    timeout: secondsOf(values.timeout),
    // Ending is the same whoever wants it.
    onEnd: () => process.kill(process.pid, "SIGTERM"),
  };
  return values["check-config"] ? check(options) : run(options);
}

function secondsOf(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new UsageError(`--timeout ${text}: it is a whole number of seconds`);
}

function check(options: ConfiguredDaemonOptions): number {
  const { config, warnings } = loadConfig(options);
  // What a start would stumble over.
  portsOf(config, options.places);
  accessOf(config);
  for (const warning of [...warnings, ...openDoorsOf(config), ...resolveSecurity(config, options.uri).warnings])
    process.stderr.write(`warning: ${warning}\n`);
  return print(`${options.configFile}: ok\n`);
}

async function run(options: ConfiguredDaemonOptions): Promise<number> {
  // Who reads what we write may leave; the daemon stays.
  process.stderr.on("error", () => {});
  const told = ending({ signals: ["SIGTERM", "SIGINT"], onAgain: () => process.exit(1) });
  let reload = (): void => {};
  process.on("SIGHUP", () => reload());
  await using served = await ConfiguredDaemon.open(options);
  reload = () => served.reload();
  tellServiceManager("READY=1");
  await told;
  tellServiceManager("STOPPING=1");
  // Every wait below has an end of its own: this one is for faults of ours.
  setTimeout(
    () => {
      process.stderr.write("error: the daemon does not come to its end: leaving as it is\n");
      process.exit(1);
      // More than Node's timers take would be no time at all.
    },
    Math.min(served.lingerMs + 20_000, 2 ** 31 - 1),
  ).unref();
  await served.close();
  return 0;
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
