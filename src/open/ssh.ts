import type { ConnectionUri } from "./uri.ts";

/** The system's ssh, and what is run at its other end: as libvirt does it, so that the user's configuration and agent count. */
export function sshCommand(
  uri: ConnectionUri,
  readOnly: boolean,
): { readonly command: string; readonly args: string[] } {
  const { user, host, port, params } = uri;
  const args: string[] = [];
  if (port !== undefined) args.push("-p", String(port));
  if (user !== undefined) args.push("-l", user);
  if (params.keyfile !== undefined) args.push("-i", params.keyfile);
  if (params.noTty) args.push("-o", "BatchMode=yes");
  if (params.noVerify) args.push("-o", "StrictHostKeyChecking=no");
  if (params.knownHosts !== undefined) args.push("-o", `UserKnownHostsFile=${params.knownHosts}`);
  // No terminal there, no escape characters here; a host that looks like an option is none.
  args.push("-T", "-e", "none", "--", host, remoteScript(uri, readOnly));
  return { command: params.command ?? "ssh", args };
}

/** For the shell at the other end, whichever it is. */
function remoteScript(uri: ConnectionUri, readOnly: boolean): string {
  return `sh -c ${quoted(scriptOf(uri, readOnly))}`;
}

function scriptOf({ name, params, driver }: ConnectionUri, readOnly: boolean): string {
  const netcat = quoted(params.netcat ?? "nc");
  const suffix = readOnly ? "-ro" : "";
  const sockets =
    params.socket === undefined
      ? [`/run/virtwright/virtwright-sock${suffix}`, `/run/libvirt/virt${driver}d-sock${suffix}`]
      : [params.socket];
  const last = params.socket ?? `/run/libvirt/libvirt-sock${suffix}`;
  const search = sockets.map((path) => `[ -S ${quoted(path)} ] && s=${quoted(path)} && break; `).join("");
  // Some netcats need to be told that the end of their input is the end.
  const viaNetcat = `s=${quoted(last)}; while :; do ${search}break; done; a=; if ${netcat} -q 2>&1 | grep "requires an argument" >/dev/null 2>&1; then a=-q0; fi; exec ${netcat} $a -U "$s"`;
  const helper = `exec virt-ssh-helper ${readOnly ? "-r " : ""}${quoted(name ?? "")}`;
  if (params.proxy === "native") return helper;
  if (params.proxy === "netcat" || params.socket !== undefined || params.netcat !== undefined) return viaNetcat;
  // A daemon of ours is not known to libvirt's helper.
  const ours = `[ ! -S ${quoted(`/run/virtwright/virtwright-sock${suffix}`)} ]`;
  return `if ${ours} && command -v virt-ssh-helper >/dev/null 2>&1; then ${helper}; else ${viaNetcat}; fi`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
