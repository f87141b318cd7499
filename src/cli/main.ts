#!/usr/bin/env node
import { races } from "./races.ts";
import { start } from "./start.ts";
import { UsageError } from "./usage-error.ts";

type Command = (args: readonly string[]) => Promise<number>;

const commands: Readonly<Record<string, Command>> = { races, start };

const usage = `usage: virtwright COMMAND [OPTIONS]

  start    serves QEMU guests to virsh, with a guest to try
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

/** The user's mistakes without a stack, ours with one. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const parseArgs = "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS");
  return parseArgs || error instanceof UsageError ? error.message : (error.stack ?? error.message);
}
