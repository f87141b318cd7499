import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type GuestPlan, planGuest } from "../../../src/driver/qemu/command-line/index.ts";
import { Definition } from "../../../src/model/index.ts";

export const goldenDirectory = fileURLToPath(new URL("golden", import.meta.url));

/** The names of all live definitions whose arguments are kept. */
export function goldenNames(): string[] {
  return readdirSync(goldenDirectory)
    .filter((name) => name.endsWith(".xml"))
    .map((name) => name.slice(0, -".xml".length));
}

export function goldenXml(name: string): string {
  return readFileSync(join(goldenDirectory, `${name}.xml`), "utf8");
}

/** `directory` stands for `$DIR` in the definition. */
export function goldenPlan(xml: string, directory: string): GuestPlan {
  return planGuest(Definition.parse(xml.replaceAll("$DIR", directory)), {
    directory,
    stateDirectory: join(directory, "state"),
    nowMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    secretOf: ({ type, usage, uuid }) => Buffer.from(`the secret ${type} ${usage ?? uuid}`),
  });
}

/** As it is kept: an option a line with its value, and then what the arguments do not say. */
export function goldenText({ args, environment, commands, descriptors, companions, variables }: GuestPlan): string {
  const lines: string[] = [];
  for (const word of args) {
    const isValue = lines.length > 0 && !word.startsWith("-") && /^-[\w-]+$/.test(lines.at(-1) ?? "");
    if (isValue) lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  for (const [name, value] of Object.entries(environment)) lines.push(`# environment: ${name}=${value}`);
  for (const { name, opening } of descriptors) lines.push(`# descriptor ${name}: ${describe(opening)}`);
  for (const { execute, arguments: args } of commands) lines.push(`# command: ${execute} ${JSON.stringify(args)}`);
  for (const { binary, args, setup } of companions) {
    if (setup !== undefined) lines.push(`# setup: ${[setup.binary, ...setup.args].join(" ")}`);
    lines.push(`# companion: ${[binary, ...args].join(" ")}`);
  }
  if (variables !== undefined) lines.push(`# variables: ${variables.path} from ${variables.template}`);
  return `${lines.join("\n")}\n`;
}

function describe(opening: GuestPlan["descriptors"][number]["opening"]): string {
  return opening.kind === "secret" ? `secret of ${opening.bytes.length} bytes` : JSON.stringify(opening);
}
