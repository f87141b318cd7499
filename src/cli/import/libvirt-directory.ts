import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Element, parseXml, writeXml } from "../../xml/index.ts";
import { UsageError } from "../usage-error.ts";

/** What libvirt keeps definitions of, as far as we take them over. */
export type ImportedKind = "network" | "pool" | "domain";

/** A definition as libvirt keeps it. */
export interface Imported {
  readonly kind: ImportedKind;
  readonly name: string;
  readonly file: string;
  readonly xml: string;
  readonly autostart: boolean;
}

/** A file that is none. */
export interface Unreadable {
  readonly file: string;
  readonly reason: string;
}

/** Below libvirt's directory. Networks and pools first: domains use them. */
const folders: Readonly<Record<ImportedKind, string>> = { network: "qemu/networks", pool: "storage", domain: "qemu" };
const kinds: readonly ImportedKind[] = ["network", "pool", "domain"];

/** Reads what libvirt keeps, and writes nothing. Throws UsageError when the directory is none of libvirt's. */
export function readLibvirtDirectory(directory: string): { imported: Imported[]; unreadable: Unreadable[] } {
  const found = kinds.filter((kind) => existsSync(join(directory, folders[kind])));
  if (found.length === 0)
    throw new UsageError(`${directory} has none of libvirt's definitions: say where they are by --from`);
  const imported: Imported[] = [];
  const unreadable: Unreadable[] = [];
  for (const kind of found) {
    for (const file of filesOf(join(directory, folders[kind]))) {
      try {
        imported.push(read(kind, file));
      } catch (error) {
        unreadable.push({ file, reason: (error as Error).message });
      }
    }
  }
  return { imported, unreadable };
}

function filesOf(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".xml")).map(({ name }) => name);
  return names.sort().map((name) => join(folder, name));
}

function read(kind: ImportedKind, file: string): Imported {
  const { root } = parseXml(readFileSync(file, "utf8"));
  if (root.name !== kind) throw new Error(`it holds a <${root.name}>, not a <${kind}>`);
  const name = root.first("name")?.text ?? "";
  if (name === "") throw new Error("it has no name");
  const autostart = existsSync(join(file, "../autostart", basename(file)));
  return { kind, name, file, xml: plain(root), autostart };
}

/** Without the warning that libvirt writes around it. */
export function plain(root: Element): string {
  return writeXml(root);
}
