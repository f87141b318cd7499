import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";

/** What decides which hypervisor is meant, and where the user's files are. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly isRoot: boolean;
  /** A file's text; undefined when there is none to be read. */
  readonly read: (path: string) => string | undefined;
}

export function ownSurroundings(): Surroundings {
  return { env: process.env, home: homedir(), isRoot: process.getuid?.() === 0, read };
}

/**
 * The URI that is meant: an alias of libvirt's client configuration (`uri_aliases`) is looked up; without a URI it is
 * LIBVIRT_DEFAULT_URI, then the configuration's `uri_default`, then the machine's own, or the user's.
 */
export function meantUri(uri: string | undefined, around: Surroundings): string {
  const config = readClientConfig(around);
  if (uri !== undefined && uri !== "") return config.aliases.get(uri) ?? uri;
  const wanted = around.env["LIBVIRT_DEFAULT_URI"] || config.defaultUri;
  if (wanted !== undefined) return config.aliases.get(wanted) ?? wanted;
  return around.isRoot ? "qemu:///system" : "qemu:///session";
}

interface ClientConfig {
  readonly defaultUri: string | undefined;
  readonly aliases: ReadonlyMap<string, string>;
}

/** Root's is the machine's; a user's own is in the XDG configuration directory. */
function readClientConfig({ env, home, isRoot, read }: Surroundings): ClientConfig {
  const given = env["XDG_CONFIG_HOME"] ?? "";
  const config = isAbsolute(given) ? given : join(home, ".config");
  const text = read(isRoot ? "/etc/libvirt/libvirt.conf" : join(config, "libvirt/libvirt.conf")) ?? "";
  const lines = text.replaceAll(/^\s*#.*$/gm, "");
  const defaultUri = /^\s*uri_default\s*=\s*"([^"]*)"/m.exec(lines)?.[1];
  const list = /^\s*uri_aliases\s*=\s*\[([^\]]*)\]/m.exec(lines)?.[1] ?? "";
  const aliases = new Map<string, string>();
  for (const [, entry = ""] of list.matchAll(/"([^"]*)"/g)) {
    const split = entry.indexOf("=");
    if (split > 0) aliases.set(entry.slice(0, split).trim(), entry.slice(split + 1).trim());
  }
  return { defaultUri, aliases };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
