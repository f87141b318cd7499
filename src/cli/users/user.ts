import { mkdirSync } from "node:fs";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { credentialOf } from "../../daemon/index.ts";
import { loadConfig } from "../configured-daemon.ts";
import { placesOf } from "../places.ts";
import { UsageError } from "../usage-error.ts";
import { UsersFile } from "./users-file.ts";

export const userUsage = `virtwright user: who may log in, where a door of the daemon asks for it ("sasl")

  virtwright user add NAME       with the password that is the first line of standard input; who is there gets a new one
  virtwright user remove NAME
  virtwright user list

  --file FILE    the users' file; by default the daemon's
  --session      the file of a daemon of one's own, for root too

A change counts at once. What is kept of a password lets nobody log in.
`;

/** Returns the exit code. */
export async function user(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      file: { type: "string" },
      session: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const [action, name] = positionals;
  if (values.help || action === undefined) return print(userUsage);
  const file = new UsersFile(values.file ?? defaultFile(values.session));
  const users = file.read();
  if (action === "list") return print([...users.keys()].map((each) => `${each}\n`).join(""));
  if (name === undefined) throw new UsageError(`virtwright user ${action}: name the user`);
  if (action === "remove") {
    if (!users.delete(name)) throw new UsageError(`there is no user ${name}`);
  } else if (action === "add") {
    checkName(name);
    users.set(name, await credentialOf(await readPassword()));
    mkdirSync(file.directory, { recursive: true });
  } else throw new UsageError(`virtwright user ${action} is not there: it is add, remove or list`);
  file.write(users);
  return 0;
}

function defaultFile(isSession: boolean): string {
  const places = placesOf(isSession);
  const { config } = loadConfig({ configFile: places.configFile, mayBeMissing: true });
  return config.users_file || places.usersFile;
}

function checkName(name: string): void {
  if (/^[\p{L}\p{N}][\p{L}\p{N}@._-]{0,63}$/u.test(name)) return;
  throw new UsageError(`"${name}" is no user's name: letters, digits and "@._-", 64 at most`);
}

/** Not on the command line, where everybody on this machine could read it. */
async function readPassword(): Promise<string> {
  if (process.stdin.isTTY) process.stderr.write("Password, which is shown as you type it; then Enter and Ctrl-D: ");
  const [password = ""] = (await text(process.stdin)).split(/\r?\n/);
  if (password === "") throw new UsageError("the password is empty: write it to standard input");
  return password;
}

function print(content: string): number {
  process.stdout.write(content);
  return 0;
}
