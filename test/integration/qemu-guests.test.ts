import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { goldenNames, goldenPlan, goldenXml } from "../driver/qemu/golden-guests.ts";
import { makeGuestFiles, serveNbd } from "./qemu-guests/guest-files.ts";
import { Scope } from "./qemu-guests/scope.ts";
import { qemu, startGuest } from "./qemu-guests/started-guest.ts";

/** What a guest needs beside QEMU, and what to do about it where it is missing. */
const needs: Readonly<Record<string, readonly [path: string, advice: string]>> = {
  "uefi-secure": ["/usr/share/OVMF/OVMF_CODE_4M.ms.fd", "sudo apt-get install ovmf"],
  tpm: ["/usr/bin/swtpm", "sudo apt-get install swtpm"],
  "fs-virtiofs": ["/usr/lib/qemu/virtiofsd", "sudo apt-get install qemu-system-common"],
  "loader-rom": ["/usr/share/seabios/bios-256k.bin", "sudo apt-get install seabios"],
  "nics-user": ["/usr/lib/ipxe/qemu/efi-e1000.rom", "sudo apt-get install ipxe-qemu"],
  "nics-tap": ["/dev/net/tun", "this machine has no tap devices"],
  vsock: ["/dev/vhost-vsock", "this kernel has no vsock for guests"],
  "disk-protocols": ["/dev/ceph", "servers of the other protocols are nowhere near"],
};

const tools = [qemu, "/usr/bin/qemu-img", "/usr/bin/qemu-nbd"].filter((path) => !existsSync(path));
const missing =
  tools.length === 0 ? false : `${tools.join(", ")} missing: sudo apt-get install qemu-system-x86 qemu-utils`;

function skipOf(name: string): string | false {
  if (missing !== false) return missing;
  const [path, advice] = needs[name] ?? [];
  if (path !== undefined && !existsSync(path)) return `there is no ${path}: ${advice}`;
  return name === "nics-tap" && process.getuid?.() !== 0 ? "only root makes tap devices" : false;
}

describe("every guest whose arguments are kept is started by the real QEMU", { concurrency: 2 }, () => {
  for (const name of goldenNames()) {
    test(`the guest '${name}'`, { skip: skipOf(name), timeout: 60_000 }, async () => {
      const directory = mkdtempSync(join(tmpdir(), "vwg-"));
      const scope = new Scope();
      scope.add(() => rmSync(directory, { recursive: true, force: true }));
      try {
        const xml = goldenXml(name);
        makeGuestFiles(xml, directory);
        if (name === "disk-nbd") await serveNbd(directory, scope);
        const plan = goldenPlan(await withFreePorts(xml), directory);
        const monitor = await startGuest(plan, directory, scope);
        assert.deepEqual(await monitor.execute("query-status", {}), {
          running: false,
          singlestep: false,
          status: "prelaunch",
        });
      } finally {
        scope.close();
      }
    });
  }
});

/** The ports of the definition are other people's by now: takes free ones in their places. */
async function withFreePorts(xml: string): Promise<string> {
  const attribute = /\b(port|websocket|service|start|end)='(\d{4,5})'/g;
  const ports = new Map<string, number>();
  for (const [, , port = ""] of xml.matchAll(attribute)) if (!ports.has(port)) ports.set(port, await freePort());
  return xml.replaceAll(attribute, (_, name: string, port: string) => `${name}='${ports.get(port)}'`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
