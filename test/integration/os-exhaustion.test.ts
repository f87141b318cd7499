import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

/** Connects to itself until no descriptor is left to accept with; then some clients leave, and the others are served. */
const program = `
  import { connectUnix, listenUnix, openLoop } from "${new URL("../../src/os/index.ts", import.meta.url).href}";
  const heard = { onData() {}, onClose() {} };
  const errors = [];
  let onError;
  const loop = openLoop({ onError: (error) => { errors.push(error); onError(); } });
  const served = [];
  let onServed = () => {};
  listenUnix(loop, process.argv[1], {}, (connection) => { connection.open(heard); served.push(connection); onServed(); });
  const clients = [];
  try {
    for (;;) clients.push(connectUnix(loop, process.argv[1]));
  } catch {}
  for (const client of clients) client.open(heard);
  await new Promise((resolve) => { onError = resolve; });
  const { user, system } = process.cpuUsage();
  await new Promise((resolve) => { onError = resolve; });
  const spent = process.cpuUsage({ user, system });
  for (const client of clients.splice(10)) client.close();
  onError = () => {};
  await new Promise((resolve) => { onServed = () => served.length >= 10 && resolve(); });
  console.log(JSON.stringify({ codes: [...new Set(errors.map(({ code }) => code))], spentMs: (spent.user + spent.system) / 1000 }));
  await loop.close();
`;

test("a listener without a free descriptor says so, waits without spinning, and goes on serving", () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-test-"));
  try {
    const args = ["--input-type=module", "--eval", program, join(directory, "socket")];
    const { stdout, stderr } = spawnSync("sh", ["-c", 'ulimit -n 64 && exec "$@"', "sh", process.execPath, ...args], {
      encoding: "utf8",
      timeout: 20_000,
    });
    assert.equal(stderr, "");
    const { codes, spentMs } = JSON.parse(stdout) as { codes: string[]; spentMs: number };
    assert.deepEqual(codes, ["EMFILE"]);
    assert.ok(spentMs < 100, `${spentMs} ms of processor time in a pause of 250 ms`);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
