#!/usr/bin/env -S node --max-semi-space-size=8 --no-separate-gc-phases
import { StateError } from "../event/index.ts";
import { SystemError } from "../os/index.ts";
import { VirError } from "../protocol/index.ts";
import { daemon } from "./daemon.ts";
import { doctor } from "./doctor/doctor.ts";
import { importDefinitions } from "./import/import.ts";
import { races } from "./races.ts";
import { run } from "./run/run.ts";
import { runSelftest } from "./selftest/selftest.ts";
import { start } from "./start.ts";
import { UsageError } from "./usage-error.ts";

type Command = (args: readonly string[]) => Promise<number>;

const commands: Readonly<Record<string, Command>> = {
  daemon,
  doctor,
  import: importDefinitions,
  races,
  run,
  selftest: runSelftest,
  start,
};

const usage = `usage: virtwright COMMAND [OPTIONS]

  daemon   serves guests to virsh and everything else that speaks libvirt's protocol
  start    the same from a directory of its own, with guests to try
  run      a guest from a disk image or a kernel, with its console in this terminal
  import   takes over the definitions that libvirt keeps, and shows first what would change
  doctor   what is missing on this machine, and the command that mends it
  selftest guests through all that there is, on any hypervisor, ours or libvirt's
  races    what every protocol of 2012 does under every schedule, and ours
`;

try {
  const [name = "help", ...args] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) process.exitCode = await command(args);
  else if (["help", "--help", "-h"].includes(name)) process.stdout.write(usage);
  else throw new UsageError(`unknown command "${name}"\n${usage}`);
} catch (error) {
  process.stderr.write(`error: ${describe(error)}\n`);
  process.exitCode = 1;
}

/** What the user can mend without a stack, our faults with one. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isUsers(error) ? error.message : (error.stack ?? error.message);
}

/** A wrong command line or file, something that is taken already, or what the system refuses. */
function isUsers(error: Error): boolean {
  if (error instanceof UsageError || error instanceof StateError || error instanceof SystemError) return true;
  if (error instanceof VirError) return true;
  return ("code" in error && String(error.code).startsWith("ERR_PARSE_ARGS")) || "syscall" in error;
}
