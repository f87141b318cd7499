import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { IsolatedDaemon } from "../conformance/resources/isolated-daemon.ts";

const programs = ["/usr/sbin/dnsmasq", "/usr/sbin/nft"].filter((path) => !existsSync(path));
const absent = programs.length > 0 ? `no ${programs.join(", ")}: apt-get install dnsmasq-base nftables` : undefined;

test("networks, with the real programs", { skip: absent ?? IsolatedDaemon.obstacle ?? false }, (context) => {
  const program = new URL("networks-exercise.ts", import.meta.url).pathname;
  const beginning = 'mount -t sysfs sysfs /sys && ip link set lo up && exec "$0" "$@"';
  // With process ids of its own, so that no dnsmasq outlives it, whatever fails.
  const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const args = [...namespaces, "sh", "-c", beginning, process.execPath, program];
  const { status, stdout, stderr } = spawnSync("unshare", args, { encoding: "utf8", timeout: 120_000 });
  for (const line of stdout.trim().split("\n")) context.diagnostic(line);
  assert.equal(status, 0, stderr);
});
