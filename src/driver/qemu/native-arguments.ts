import type { Definition } from "../../model/index.ts";
import { defaultPath } from "./binary.ts";
import { planGuest } from "./command-line/index.ts";
import { prepareRun } from "./definition/prepare-run.ts";

/**
 * How the guest of a definition would be started, as a line for a shell. Rejects with VirError as a start does. Descriptors and the
 * sockets of companions stand where a start would put them.
 */
export async function nativeArguments(given: Definition): Promise<string> {
  const directory = `/run/virtwright/${given.uuid}`;
  const definition = await prepareRun(given, {
    channelDirectory: directory,
    nvramDirectory: directory,
    // A start would find one that is free.
    freePort: async (first) => first,
  });
  const { args, environment } = planGuest(definition, {
    directory,
    stateDirectory: directory,
    nowMs: Date.now(),
    hugePagesAt: () => "/dev/hugepages",
    // Which one it is is nobody's business here.
    secretOf: () => new Uint8Array(),
  });
  const arch = definition.root.find("os", "type")?.attribute("arch") ?? "x86_64";
  const binary = definition.textOf("devices", "emulator") ?? defaultPath(arch);
  const variables = Object.entries({ LC_ALL: "C", ...environment }).map(([name, value]) => `${name}=${quoted(value)}`);
  return `${[...variables, binary, ...args.map(quoted)].join(" ")}\n`;
}

/** As one word for a shell. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
