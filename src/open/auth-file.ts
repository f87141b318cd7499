import { isAbsolute, join } from "node:path";
import type { Credentials } from "../client/index.ts";
import type { Surroundings } from "./client-config.ts";
import type { ConnectionUri } from "./uri.ts";

/**
 * Who we are to a host, as libvirt's file of credentials (auth.conf) says it: the one that the URI names (`authfile`), else
 * LIBVIRT_AUTH_FILE, the user's own, or the machine's. Undefined when none of them says it.
 */
export function knownCredentials({ host, user, params }: ConnectionUri, around: Surroundings): Credentials | undefined {
  const { env, home, read } = around;
  const given = env["XDG_CONFIG_HOME"] ?? "";
  const config = isAbsolute(given) ? given : join(home, ".config");
  const named = params.authFile ?? (env["LIBVIRT_AUTH_FILE"] || undefined);
  const places = named === undefined ? [join(config, "libvirt/auth.conf"), "/etc/libvirt/auth.conf"] : [named];
  const text = places.map(read).find((each) => each !== undefined);
  if (text === undefined) return undefined;
  const groups = readGroups(text);
  const about = groups.get(`auth-libvirt-${host || "localhost"}`) ?? groups.get("auth-libvirt-default");
  const group = groups.get(`credentials-${about?.get("credentials")}`);
  const name = user ?? group?.get("authname") ?? group?.get("username");
  const password = group?.get("password");
  return name === undefined || password === undefined ? undefined : { user: name, password };
}

/** Groups in brackets, of lines with "="; the first word on a thing counts. */
function readGroups(text: string): Map<string, Map<string, string>> {
  const groups = new Map<string, Map<string, string>>();
  let group: Map<string, string> | undefined;
  for (const line of text.split("\n").map((each) => each.trim())) {
    const name = /^\[(.*)\]$/.exec(line)?.[1];
    const split = line.indexOf("=");
    if (name !== undefined) {
      group = groups.get(name) ?? new Map<string, string>();
      groups.set(name, group);
    } else if (split > 0 && !line.startsWith("#")) {
      const key = line.slice(0, split).trim();
      if (group?.has(key) === false) group.set(key, line.slice(split + 1).trim());
    }
  }
  return groups;
}
