import { basename } from "node:path";
import type { SocketOptions } from "../../daemon/index.ts";

/** A file of systemd's. */
export interface Unit {
  readonly name: string;
  readonly text: string;
}

export interface ServiceFacts {
  /** What begins the daemon: a program by its whole path, and its arguments. */
  readonly command: readonly string[];
  /** Where the daemon serves. */
  readonly sockets: readonly SocketOptions[];
  /** Seconds that the daemon takes at most to its end. */
  readonly endS: number;
}

const service = "virtwright.service";

/** The service, and a socket unit for each socket, so that clients are heard while the daemon is started anew. */
export function serviceUnits({ command, sockets, endS }: ServiceFacts): Unit[] {
  const units = sockets.map(socketUnit);
  const names = units.map(({ name }) => name).join(" ");
  const text = `[Unit]
Description=Virtualization daemon (virtwright)
Wants=${names}
After=network.target local-fs.target remote-fs.target nss-user-lookup.target xencommons.service

[Service]
Type=notify
ExecStart=${command.map(quoted).join(" ")}
ExecReload=/bin/kill -HUP $MAINPID
# Guests outlive the daemon, and are taken up by the next one.
KillMode=process
Restart=on-failure
TimeoutStopSec=${endS}
# They count as the service's: descriptors for each guest, and processes without a limit.
LimitNOFILE=65536
TasksMax=infinity

[Install]
WantedBy=multi-user.target
Also=${names}
`;
  return [{ name: service, text }, ...units];
}

function socketUnit({ path, mode = 0o600, group, backlog }: SocketOptions): Unit {
  const lines = [
    `ListenStream=${path}`,
    `SocketMode=${mode.toString(8).padStart(4, "0")}`,
    ...(group === undefined ? [] : [`SocketGroup=${group}`]),
    ...(backlog === undefined ? [] : [`Backlog=${backlog}`]),
  ];
  // systemd would take a socket away from whoever serves it.
  const others = path.includes("/libvirt/") ? `AssertPathExists=!${path}\n` : "";
  const text = `[Unit]
Description=Virtualization daemon's socket ${path} (virtwright)
${others}
[Socket]
${lines.join("\n")}
Service=${service}
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
`;
  return { name: unitName(path), text };
}

/** `/run/virtwright/virtwright-sock-ro` is served by virtwright-ro.socket, libvirtd's by virtwright-libvirt.socket. */
function unitName(path: string): string {
  const name = basename(path).replace("-sock", "");
  return `${name.startsWith("virtwright") ? name : `virtwright-${name}`}.socket`;
}

/** As systemd reads words in a command line. */
function quoted(word: string): string {
  const escaped = word.replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /[\s"'\\;]/.test(escaped) ? `"${escaped.replaceAll(/["\\]/g, "\\$&")}"` : escaped;
}
