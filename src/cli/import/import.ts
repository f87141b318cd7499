import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { VirError } from "../../protocol/index.ts";
import { reach } from "../hypervisor/reach.ts";
import { type Destination, destinationOf } from "./destination.ts";
import { type Imported, readLibvirtDirectory, type Unreadable } from "./libvirt-directory.ts";
import { lineChanges } from "./line-changes.ts";

const importUsage = `virtwright import: takes over the definitions of domains, networks and storage pools that libvirt keeps

  --from DIR        default: /etc/libvirt for root, ~/.config/libvirt for others
  --dry-run         says what would change, and changes nothing
  --replace         takes libvirt's definition where there is another here; otherwise ours stays
  --connect URI     into that daemon; default: virtwright's where one runs, otherwise no daemon at all
  --directory DIR   guests' files, and perhaps a daemon, are there ("npm start" uses ./run)

libvirt's own files are read and stay as they are, and so do its guests: do not start one there and here at once.
`;

/** What becomes of a definition. */
interface Step {
  readonly imported: Imported;
  readonly verdict: "new" | "same" | "differs" | "refused";
  /** Of "differs": from ours to libvirt's. Of "refused": why. */
  readonly details: readonly string[];
}

/** Returns the exit code: 1 when something could not be taken over. */
export async function importDefinitions(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      from: { type: "string", default: process.getuid?.() === 0 ? "/etc/libvirt" : join(homedir(), ".config/libvirt") },
      "dry-run": { type: "boolean", default: false },
      replace: { type: "boolean", default: false },
      connect: { type: "string" },
      directory: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return say(importUsage);
  const { imported, unreadable } = readLibvirtDirectory(resolve(values.from));
  const { connect, directory, replace } = values;
  await using reached = await reach({ connect, directory, isPassing: false });
  const destination = destinationOf(reached.session);
  const steps = await plan(imported, destination);
  show(steps, unreadable, replace);
  if (values["dry-run"]) return steps.some(({ verdict }) => verdict === "refused") || unreadable.length > 0 ? 1 : 0;
  const failures = await carryOut(steps, destination, replace);
  return failures > 0 || unreadable.length > 0 ? 1 : 0;
}

async function plan(imported: readonly Imported[], destination: Destination): Promise<Step[]> {
  const steps: Step[] = [];
  for (const each of imported) steps.push(await stepFor(each, destination));
  return steps;
}

async function stepFor(imported: Imported, destination: Destination): Promise<Step> {
  try {
    const ours = await destination.show(imported.kind, imported.name);
    if (ours === undefined) return { imported, verdict: "new", details: [] };
    const details = lineChanges(ours, imported.xml);
    return { imported, verdict: details.length === 0 ? "same" : "differs", details };
  } catch (error) {
    return { imported, verdict: "refused", details: [reasonOf(error)] };
  }
}

/** Before anything changes. */
function show(steps: readonly Step[], unreadable: readonly Unreadable[], replace: boolean): void {
  for (const { imported, verdict, details } of steps) {
    const { kind, name, autostart } = imported;
    const words: Readonly<Record<Step["verdict"], string>> = {
      new: `new${autostart ? ", starts by itself" : ""}`,
      same: "is here already, the same",
      differs: replace
        ? "is here already and is replaced:"
        : "is here already, and differs (--replace takes libvirt's):",
      refused: "cannot be taken over:",
    };
    say([`${kind} ${name}: ${words[verdict]}`, ...details.map((line) => `    ${line}`), ""].join("\n"));
  }
  for (const { file, reason } of unreadable) say(`${file} cannot be read: ${reason}\n`);
}

/** Returns how many failed; the others are there all the same. */
async function carryOut(steps: readonly Step[], destination: Destination, replace: boolean): Promise<number> {
  let [taken, failed] = [0, 0];
  for (const { imported, verdict } of steps) {
    if (verdict === "refused") failed++;
    if (verdict !== "new" && !(verdict === "differs" && replace)) continue;
    try {
      await destination.define(imported);
      taken++;
    } catch (error) {
      failed++;
      process.stderr.write(`error: ${imported.kind} ${imported.name} was not taken over: ${reasonOf(error)}\n`);
    }
  }
  say(`${taken} taken over, ${failed} failed, ${steps.length - taken - failed} left as they were\n`);
  return failed;
}

/** What the other end says; anything else is a fault of ours or the end of the connection. */
function reasonOf(error: unknown): string {
  if (error instanceof VirError) return error.message;
  throw error;
}

function say(text: string): number {
  process.stdout.write(text);
  return 0;
}
