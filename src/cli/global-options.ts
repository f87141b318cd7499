import { readFileSync } from "node:fs";
import { UsageError } from "./usage-error.ts";

/** virsh's options before the command that have a value, and what it is. */
const valued: Readonly<Record<string, string>> = {
  connect: "the hypervisor's URI",
  debug: "a number",
  "keepalive-interval": "a number of seconds",
  "keepalive-count": "a number",
};
const longFlags: readonly string[] = ["help", "quiet", "readonly", "timing", "version"];
const letters: Readonly<Record<string, string>> = {
  c: "connect",
  d: "debug",
  h: "help",
  k: "keepalive-interval",
  K: "keepalive-count",
  q: "quiet",
  r: "readonly",
  t: "timing",
  v: "version",
  V: "long-version",
};

export interface CommandLine {
  /** The options before the command, each once, as "--quiet" or "--connect=URI". */
  readonly global: readonly string[];
  /** What is asked for by an option, and no command. */
  readonly asked: "help" | "version" | "long-version" | undefined;
  readonly name: string | undefined;
  readonly args: readonly string[];
}

/** Takes a command line apart as getopt does for virsh. Throws UsageError. */
export function splitCommandLine(argv: readonly string[]): CommandLine {
  const rest = [...argv];
  const given = new Map<string, string>();
  const give: Give = (option, said, written) => {
    const what = Object.hasOwn(valued, option) ? valued[option] : undefined;
    const value = what === undefined ? written : (written ?? rest.shift());
    if (what !== undefined && value === undefined) throw new UsageError(`option ${said} needs a value: ${what}`);
    if (what?.startsWith("a number") === true && !isNumber(value ?? ""))
      throw new UsageError(`option ${said} takes ${what}, not '${value}'`);
    given.set(option, value === undefined ? `--${option}` : `--${option}=${value}`);
  };
  while (/^-./.test(rest[0] ?? "")) {
    const first = rest.shift() as string;
    if (first === "--") break;
    if (first.startsWith("--")) giveLong(first, give);
    else giveShort(first, give);
  }
  const [name, ...args] = rest;
  const asked = (["help", "long-version", "version"] as const).find((each) => given.delete(each));
  // What virsh says for debugging, nobody else does.
  given.delete("debug");
  return { global: [...given.values()], asked, name, args };
}

/** That a timer can wait, in seconds. */
function isNumber(text: string): boolean {
  return /^\d{1,7}$/.test(text) && Number(text) * 1000 < 2 ** 31;
}

type Give = (option: string, said: string, value: string | undefined) => void;

function giveLong(said: string, give: Give): void {
  const [, option = "", value] = /^--([^=]*)(?:=(.*))?$/s.exec(said) ?? [];
  if (said === "--version=long") return give("long-version", said, undefined);
  if (said === "--version=short") return give("version", said, undefined);
  const isKnown = Object.hasOwn(valued, option) || (value === undefined && longFlags.includes(option));
  if (!isKnown) throw unsupported(said);
  give(option, `--${option}`, value);
}

/** Several may stand together, the value of the last behind it: -qcURI. */
function giveShort(said: string, give: Give): void {
  for (let at = 1; at < said.length; at++) {
    const letter = said.charAt(at);
    const option = Object.hasOwn(letters, letter) ? letters[letter] : undefined;
    if (option === undefined) throw unsupported(`-${letter}`);
    const value = said.slice(at + 1);
    const hasValue = Object.hasOwn(valued, option);
    give(option, `-${letter}`, hasValue && value !== "" ? value : undefined);
    if (hasValue) return;
  }
}

function unsupported(option: string): UsageError {
  return new UsageError(`unsupported option '${option}'. See --help.`);
}

/** Ours; what the hypervisor's is, `version` asks it. */
export function versionText(isLong: boolean): string {
  const file = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  return isLong ? `virtwright ${version}, for libvirt's protocol, on Node ${process.versions.node}\n` : `${version}\n`;
}
