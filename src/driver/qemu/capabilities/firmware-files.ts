import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A firmware as the distribution describes it, in the form that QEMU has agreed with everybody. */
export interface FirmwareFile {
  /** "uefi" or "bios". */
  readonly interfaces: readonly string[];
  readonly code: string;
  readonly variables: string | undefined;
  /** Patterns of machines, by architecture. */
  readonly targets: readonly { readonly arch: string; readonly machines: readonly string[] }[];
  /** "secure-boot", "requires-smm", ... */
  readonly features: readonly string[];
}

/** Where they are described. Of two files of one name the later directory's counts. */
const directories = ["/usr/share/qemu/firmware", "/etc/qemu/firmware"];

/** All firmwares, the best first. What cannot be read is not there. */
export async function readFirmwareFiles(places: readonly string[] = directories): Promise<FirmwareFile[]> {
  const files = new Map<string, string>();
  for (const place of places) {
    const names = await readdir(place).catch((): string[] => []);
    for (const name of names) if (name.endsWith(".json")) files.set(name, join(place, name));
  }
  const sorted = [...files].sort(([one], [other]) => (one < other ? -1 : 1));
  const found = await Promise.all(sorted.map(([, path]) => readOne(path)));
  return found.filter((file) => file !== undefined);
}

interface Described {
  readonly "interface-types"?: readonly string[];
  readonly mapping?: {
    readonly executable?: { readonly filename?: string };
    readonly "nvram-template"?: { readonly filename?: string };
  };
  readonly targets?: readonly { readonly architecture: string; readonly machines: readonly string[] }[];
  readonly features?: readonly string[];
}

async function readOne(path: string): Promise<FirmwareFile | undefined> {
  try {
    const described = JSON.parse(await readFile(path, "utf8")) as Described;
    const code = described.mapping?.executable?.filename;
    if (code === undefined) return undefined;
    return {
      interfaces: described["interface-types"] ?? [],
      code,
      variables: described.mapping?.["nvram-template"]?.filename,
      targets: (described.targets ?? []).map(({ architecture, machines }) => ({ arch: architecture, machines })),
      features: described.features ?? [],
    };
  } catch {
    return undefined;
  }
}

/** Whether it is meant for a machine: patterns have `*` in them, and nothing else. */
export function fits({ targets }: FirmwareFile, arch: string, machine: string): boolean {
  return targets.some((target) => target.arch === arch && target.machines.some((pattern) => matches(pattern, machine)));
}

function matches(pattern: string, machine: string): boolean {
  const literal = pattern.split("*").map((part) => part.replace(/[^\w-]/g, "\\$&"));
  return new RegExp(`^${literal.join(".*")}$`).test(machine);
}
