import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { smallLinux } from "../../lab/guest/linux.ts";
import { fetchedPackages } from "../../lab/xen/fetch.ts";
import { IsolatedDaemon } from "../conformance/resources/isolated-daemon.ts";

const programs = ["/usr/sbin/dnsmasq", "/usr/sbin/nft", "/usr/bin/qemu-system-x86_64"];
const missing = programs.filter((path) => !existsSync(path));
const absent =
  missing.length > 0
    ? `no ${missing.join(", ")}: apt-get install dnsmasq-base nftables qemu-system-x86`
    : existsSync("/dev/net/tun")
      ? undefined
      : "no /dev/net/tun: modprobe tun";
const packages = fetchedPackages();
const unfetched = packages === undefined ? "no kernel for guests: npm run lab:xen -- --fetch" : undefined;

test("a guest on a network", { skip: absent ?? unfetched ?? IsolatedDaemon.obstacle ?? false }, async (context) => {
  assert.ok(packages);
  const { kernel, initrd } = await smallLinux(packages);
  const program = new URL("guest-network-exercise.ts", import.meta.url).pathname;
  const beginning = 'mount -t sysfs sysfs /sys && ip link set lo up && exec "$0" "$@"';
  // With process ids of its own, so that no QEMU or dnsmasq outlives it, whatever fails.
  const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const args = [...namespaces, "sh", "-c", beginning, process.execPath, program, kernel, initrd];
  const { status, stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", timeout: 300_000 });
  for (const line of stdout.trim().split("\n")) context.diagnostic(line);
  assert.equal(status, 0, stderr);
});
