import { StateError } from "../event/index.ts";
import { VirError } from "../protocol/index.ts";
import { type CommandLine, splitCommandLine, versionText } from "./global-options.ts";
import { UsageError } from "./usage-error.ts";

type Command = (args: readonly string[]) => Promise<number>;

/** Loaded when they are asked for: a listing needs nothing of the daemon, and no native code. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  audit: async () => (await import("./audit/audit.ts")).audit,
  complete: async () => (await import("./shell/completion.ts")).complete,
  completion: async () => (await import("./shell/completion.ts")).completionScript,
  daemon: async () => (await import("./daemon.ts")).daemon,
  doctor: async () => (await import("./doctor/doctor.ts")).doctor,
  import: async () => (await import("./import/import.ts")).importDefinitions,
  "install-service": async () => (await import("./install-service/install-service.ts")).installService,
  pki: async () => (await import("./pki/pki.ts")).pki,
  races: async () => (await import("./races.ts")).races,
  run: async () => (await import("./run/run.ts")).run,
  selftest: async () => (await import("./selftest/selftest.ts")).runSelftest,
  start: async () => (await import("./start.ts")).start,
  status: async () => (await import("./status.ts")).status,
  user: async () => (await import("./users/user.ts")).user,
};

/** Of these, those that a hypervisor is for: they take --connect. */
const connecting: readonly string[] = ["import", "run", "selftest"];

/** Those beside the verbs. */
export const commandNames: readonly string[] = Object.keys(commands).filter((name) => name !== "complete");

const usage = `usage: virtwright COMMAND [OPTIONS]

  daemon   serves guests to virsh and everything else that speaks libvirt's protocol
  start    the same from a directory of its own, with guests to try
  run      a guest from a disk image or a kernel, with its console in this terminal
  import   takes over the definitions that libvirt keeps, and shows first what would change
  install-service
           shows the daemon's units for systemd, and writes them
  pki      makes the certificates with which clients come in by TLS
  user     who may log in, where a door of the daemon asks for it
  status   whether the daemon runs, and who is connected
  audit    what clients have changed, and what they were not allowed to
  doctor   what is missing on this machine, and the command that mends it
  selftest guests through all that there is, on any hypervisor, ours or libvirt's
  races    what every protocol of 2012 does under every schedule, and ours
  completion bash|zsh   what makes a shell complete all this

or, as with virsh: virtwright [-c URI] COMMAND ..., --json on every listing. Without a command: one after the other.

  -c, --connect URI    the hypervisor
  -r, --readonly       nothing is changed
  -q, --quiet          neither heads of tables nor that something is done
  -t, --timing         how long each took
  -k, --keepalive-interval SECONDS, -K, --keepalive-count N
                       how often a silent hypervisor is asked for a sign of life, and how long in vain; -k 0: never
  -v, -V, --version[=long]

`;

/** Does what a command line says; what is wrong is on standard error. Returns the exit code. */
export async function commandLine(argv: readonly string[]): Promise<number> {
  try {
    // As with virsh, whose variable counts more than the library's.
    const { VIRSH_DEFAULT_CONNECT_URI: uri } = process.env;
    if (uri) process.env["LIBVIRT_DEFAULT_URI"] = uri;
    return await obey(splitCommandLine(argv));
  } catch (error) {
    process.stderr.write(`error: ${describe(error)}\n`);
    return 1;
  }
}

async function obey({ global, asked, name, args }: CommandLine): Promise<number> {
  if (asked === "help") return help(undefined);
  if (asked !== undefined) {
    process.stdout.write(versionText(asked === "long-version"));
    return 0;
  }
  if (name === undefined) return (await import("./shell/shell.ts")).shell(global);
  if (args.length === 0 && /[\s;]/.test(name)) return (await import("./shell/shell.ts")).runLine(global, name);
  if (name === "help") return help(args[0]);
  if (isVerb(name, args, global)) {
    const { runVerb, verbOf } = await import("./verbs/run-verb.ts");
    // What is no verb may be a command of ours, misspelt.
    await verbOf(name, commandNames);
    return runVerb(name, [...global, ...args]);
  }
  return runCommand(name, [...acceptedBy(name, global), ...args]);
}

async function runCommand(name: string, args: readonly string[]): Promise<number> {
  return (await (commands[name] as (typeof commands)[string])())(args);
}

/** What stands before a command of our own is as if it stood behind. Throws UsageError where it takes none of it. */
function acceptedBy(name: string, global: readonly string[]): readonly string[] {
  const refused = global.find((each) => !(connecting.includes(name) && each.startsWith("--connect=")));
  if (refused === undefined) return global;
  throw new UsageError(`command '${name}' takes no ${refused.replace(/=.*/, "")}: leave it out`);
}

/** Of all, or of one; what is a verb and a command of ours is told of both. */
async function help(name: string | undefined): Promise<number> {
  const { verbsText, verbText } = await import("./verbs/help.ts");
  const isOurs = name !== undefined && Object.hasOwn(commands, name);
  if (name === undefined) process.stdout.write(usage + (await verbsText()));
  else if (!isOurs || name === shared) process.stdout.write(`${await verbText(name, commandNames)}\n`);
  return isOurs ? runCommand(name, ["--help"]) : 0;
}

/** Both a verb and a command of ours. */
const shared = "start";

/** What is called "start" is ours where it has nothing but our options. */
function isVerb(name: string, args: readonly string[], global: readonly string[]): boolean {
  if (!Object.hasOwn(commands, name)) return true;
  if (name !== shared) return false;
  const isOurs = (arg: string, index: number): boolean =>
    /^--(help|directory(=.*)?)$/s.test(arg) || args[index - 1] === "--directory";
  return global.length > 0 || !args.every(isOurs);
}

/** What the user can mend without a stack, our faults with one. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isUsers(error) ? error.message : (error.stack ?? error.message);
}

/** A wrong command line or file, something that is taken already, or what the system refuses. */
function isUsers(error: Error): boolean {
  if (error instanceof UsageError || error instanceof StateError || error instanceof VirError) return true;
  return ("code" in error && String(error.code).startsWith("ERR_PARSE_ARGS")) || "syscall" in error;
}
