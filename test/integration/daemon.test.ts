import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Loop } from "../../src/event/index.ts";
import { connectUnix, openLoop } from "../../src/os/index.ts";
import { remote } from "../../src/protocol/index.ts";
import { Connection, clientOf } from "../../src/rpc/index.ts";
import { Program } from "./program.ts";

const main = join(import.meta.dirname, "../../src/cli/main.ts");
const skip = !existsSync("/usr/bin/virsh") && "missing: virsh (apt-get install libvirt-clients)";
const skipGuests = !existsSync("/usr/bin/qemu-system-x86_64") && "missing: QEMU (apt-get install qemu-system-x86)";

interface RunRecord {
  readonly process?: { readonly pid: number };
}

suite("virtwright daemon", { skip }, () => {
  let directory: string;
  let env: NodeJS.ProcessEnv;
  let sock: string;
  let config: string;
  /** Records of running ones. */
  let guests: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "vw-daemon-"));
    const at = (name: string): string => {
      mkdirSync(join(directory, name));
      return join(directory, name);
    };
    env = {
      ...process.env,
      LC_ALL: "C",
      XDG_RUNTIME_DIR: at("run"),
      XDG_CONFIG_HOME: at("config"),
      XDG_STATE_HOME: at("state"),
    };
    sock = join(directory, "run/virtwright/virtwright-sock");
    guests = join(directory, "run/virtwright/qemu");
    config = join(at("config/virtwright"), "virtwright.conf");
  });

  afterEach(() => {
    for (const pid of guestPids()) process.kill(pid, "SIGKILL");
    rmSync(directory, { recursive: true });
  });

  /** Of the guests that a test has left. */
  function guestPids(): number[] {
    const names = existsSync(guests) ? readdirSync(guests).filter((name) => name.endsWith(".json")) : [];
    const records = names.map((name) => JSON.parse(readFileSync(join(guests, name), "utf8")) as RunRecord);
    return records.flatMap(({ process: owner }) => (owner === undefined ? [] : [owner.pid]));
  }

  function guest(name: string): string {
    return `<domain type='qemu'><name>${name}</name><memory>8192</memory><os><type>hvm</type></os></domain>`;
  }

  const start = (...args: string[]): Program =>
    new Program(process.execPath, [main, "daemon", "--session", "--verbose", ...args], env);
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [main, "daemon", "--session", ...args], { env, encoding: "utf8", timeout: 30_000 });
  const virsh = (
    uri: string,
    path: string,
    ...args: string[]
  ): { status: number | null; stdout: string; stderr: string } =>
    spawnSync("virsh", ["-q", "-c", `${uri}?socket=${path}`, ...args], { env, encoding: "utf8", timeout: 60_000 });
  const testUri = "test+unix:///default";
  const qemuUri = "qemu+unix:///session";

  test("serves virsh on both sockets, and lets nobody change anything by the read-only one", async () => {
    await using daemon = start();
    await daemon.has(/: info : daemon : ready: serving qemu:\/\/\/session and test:\/\/\/default as process (\d+)/);
    assert.equal(
      readFileSync(join(directory, "run/virtwright/virtwright.pid"), "utf8").trim(),
      /process (\d+)/.exec(daemon.output)?.[1],
    );
    assert.match(virsh(testUri, sock, "list").stdout, /^ 1 +test +running$/m);
    assert.match(virsh(testUri, `${sock}-ro`, "list").stdout, /^ 1 +test +running$/m);
    assert.match(virsh(testUri, `${sock}-ro`, "suspend", "test").stderr, /read only access prevents virDomainSuspend/);
    assert.equal(virsh(testUri, sock, "suspend", "test").status, 0);
    assert.match(virsh(testUri, `${sock}-ro`, "domstate", "test").stdout, /^paused$/m);
    assert.equal(virsh(qemuUri, sock, "list", "--all").status, 0);
    assert.equal(await daemon.end("SIGTERM"), 0, daemon.output);
    assert.equal(daemon.stdout, "");
    assert.deepEqual(
      readdirSync(join(directory, "run/virtwright")).sort(),
      ["networks", "pools", "qemu"],
      "sockets and number are gone",
    );
  });

  test("obeys its file, and says which key of libvirt's means nothing", async () => {
    const log = join(directory, "daemon.log");
    writeFileSync(
      config,
      `unix_sock_dir = "${directory}/sockets"
unix_sock_rw_perms = "0770"
unix_sock_group = "${spawnSync("id", ["-gn"], { encoding: "utf8" }).stdout.trim()}"
drivers = [ "test" ]
min_workers = 5
shutdown_timeout = 3000000
log_outputs = "2:file:${log}"
`,
    );
    await using daemon = start();
    while (!existsSync(join(directory, "sockets/virtwright-sock-ro"))) await sleep(20);
    assert.match(virsh(testUri, join(directory, "sockets/virtwright-sock"), "list").stdout, /test/);
    assert.match(
      virsh(qemuUri, join(directory, "sockets/virtwright-sock"), "list").stderr,
      /no connection driver available/,
    );
    assert.equal(statSync(join(directory, "sockets/virtwright-sock")).mode & 0o777, 0o770);
    assert.equal(await daemon.end("SIGTERM"), 0);
    assert.equal(daemon.output, "");
    assert.match(
      readFileSync(log, "utf8"),
      /: warning : daemon : \S+\/virtwright\.conf:5: min_workers means nothing here: one thread serves all clients\n/,
    );
  });

  test("reads its file again at SIGHUP, opens its log anew, and says what needs a restart", async () => {
    const log = join(directory, "daemon.log");
    const outputs = `log_outputs = "1:file:${log}"\n`;
    writeFileSync(config, outputs);
    await using daemon = start();
    const logged = async (pattern: RegExp): Promise<void> => {
      for (let tries = 0; !existsSync(log) || !pattern.test(readFileSync(log, "utf8")); tries++) {
        assert.ok(tries < 1_000, `no ${pattern} in ${existsSync(log) ? readFileSync(log, "utf8") : "no file"}`);
        await sleep(20);
      }
    };
    await logged(/ready/);
    renameSync(log, `${log}.1`);
    writeFileSync(config, `${outputs}unix_sock_group = "another"\nmax_clients = 1\nlog_level = 1\n`);
    daemon.signal("SIGHUP");
    await logged(
      /unix_sock_group has changed in \S+: that counts after a restart\n.*virtwright\.conf was read again\n/,
    );
    assert.doesNotMatch(readFileSync(log, "utf8"), /ready/);
    virsh(testUri, sock, "list");
    await logged(/debug : rpc : client 1: connected: user \d+, process \d+\n(.*\n)*.*all 1 connections are in use/);

    await using first = new Program("virsh", ["-c", `${testUri}?socket=${sock}`, "event", "--all", "--loop"], env);
    await logged(/client 2: connected/);
    await using second = new Program("virsh", ["-q", "-c", `${testUri}?socket=${sock}`, "list"], env);
    await sleep(500);
    assert.equal(second.output, "", "there is room for one");
    await first.end("SIGKILL");
    assert.equal(await second.ended(), 0);
    assert.match(second.output, /test/);

    writeFileSync(config, "log_level = 9\n");
    daemon.signal("SIGHUP");
    await logged(
      /error : daemon : the settings stay as they are: \S+virtwright\.conf:1: log_level = 9: it is 1 \(debug\)/,
    );
    assert.match(virsh(testUri, sock, "list").stdout, /test/);
    assert.equal(await daemon.end("SIGTERM"), 0);
  });

  test("puts new rules into force at SIGHUP, whatever is wrong with its log, its audit file or the next group", async () => {
    const audit = join(directory, "audit.log");
    const common = `audit_file = "${audit}"\n`;
    writeFileSync(config, common);
    await using daemon = start();
    await daemon.has(/ready/);
    assert.equal(virsh(testUri, sock, "list").status, 0);
    rmSync(audit);
    mkdirSync(audit);
    const log = `log_outputs = "1:file:${directory}/none/daemon.log"\n`;
    writeFileSync(config, `${common}${log}unix_sock_group = "another"\naccess_rules = [ "deny anybody *" ]\n`);
    daemon.signal("SIGHUP");
    await daemon.has(/the log stays as it is: [^]*the audit file stays as it is: .*EISDIR[^]*was read again/);
    assert.match(virsh(testUri, sock, "list").stderr, /denied access/);
    assert.equal(await daemon.end("SIGTERM"), 0);
  });

  test("answers at SIGTERM what is under way; the guest outlives the daemon, and the next one has it", {
    skip: skipGuests,
  }, async () => {
    const file = join(directory, "small.xml");
    writeFileSync(file, guest("small"));
    await using daemon = start();
    await daemon.has(/ready/);
    await using creating = new Program("virsh", ["-c", `${qemuUri}?socket=${sock}`, "create", file], env);
    // The record is written when the start has been decided upon.
    while (!readdirSync(guests).some((name) => name.endsWith(".json"))) await sleep(1);
    assert.equal(await daemon.end("SIGTERM"), 0, daemon.output);
    assert.doesNotMatch(daemon.output, /warning|error/);
    // Its exit code tells of the end of the connection: with virsh 9.0 it is a SIGPIPE.
    await creating.ended();
    assert.match(creating.output, /^Domain 'small' created/m);

    await using next = start();
    await next.has(/ready/);
    assert.match(virsh(qemuUri, sock, "domstate", "small").stdout, /^running$/m);
    assert.equal(virsh(qemuUri, sock, "destroy", "small").status, 0);
    assert.equal(await next.end("SIGINT"), 0);
  });

  test("does not wait longer than it was told for a guest that is stuck, and ends at once when told twice", {
    skip: skipGuests,
  }, async () => {
    writeFileSync(join(directory, "stuck.xml"), guest("stuck"));
    writeFileSync(config, "shutdown_timeout = 1\n");
    await using daemon = start();
    await daemon.has(/ready/);
    assert.equal(virsh(qemuUri, sock, "create", join(directory, "stuck.xml")).status, 0);
    const [pid = 0] = guestPids();
    process.kill(pid, "SIGSTOP");
    try {
      await using loop = openLoop();
      const suspended = await suspendUnderWay(loop, "stuck");
      assert.equal(await daemon.end("SIGTERM"), 0, daemon.output);
      assert.match(daemon.output, /warning : rpc : client \d+: dropped: calls or their replies are left after 1000 ms/);
      await assert.rejects(suspended.promise);

      writeFileSync(config, "shutdown_timeout = 600\n");
      await using next = start();
      await next.has(/ready/);
      const again = await suspendUnderWay(loop, "stuck");
      next.signal("SIGTERM");
      await next.has(/ending; guests run on/);
      assert.equal(await next.end("SIGTERM"), 1);
      await assert.rejects(again.promise);
    } finally {
      process.kill(pid, "SIGCONT");
    }
  });

  /** The call has reached its handler when this resolves: calls of one client are taken in their order. */
  async function suspendUnderWay(loop: Loop, name: string): Promise<{ readonly promise: Promise<unknown> }> {
    const connection = new Connection(loop, connectUnix(loop, sock));
    connection.open({ onClose: () => {} });
    const call = clientOf(connection, remote);
    await call.authList({});
    await call.connectOpen({ name: "qemu:///session", flags: 0 });
    const { dom } = await call.domainLookupByName({ name });
    const promise = call.domainSuspend({ dom });
    promise.catch(() => {});
    await call.connectGetUri({});
    return { promise };
  }

  test("writes in the journal's form where standard error is the journal's", async () => {
    const journal = join(directory, "journal");
    const fd = openSync(journal, "w");
    const { dev, ino } = fstatSync(fd);
    const child = spawn(process.execPath, [main, "daemon", "--session", "--verbose"], {
      env: { ...env, JOURNAL_STREAM: `${dev}:${ino}` },
      stdio: ["ignore", "ignore", fd],
    });
    closeSync(fd);
    try {
      while (!readFileSync(journal, "utf8").includes("<6>daemon : ready: serving qemu:///session")) await sleep(20);
    } finally {
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await exit;
    }
    for (const line of readFileSync(journal, "utf8").trim().split("\n")) assert.match(line, /^<[3-7]>daemon : /);
  });

  test("with libvirt's sockets, clients need no address", async () => {
    // Root's virsh looks in /run/libvirt for every session: another user's is what finds these.
    const isRoot = process.getuid?.() === 0;
    chmodSync(directory, 0o755);
    if (isRoot) writeFileSync(config, 'unix_sock_rw_perms = "0777"\n');
    await using daemon = start("--libvirt-sockets");
    await daemon.has(/ready/);
    const home = join(directory, "home");
    // Where the sockets are, virsh locks a file before it connects.
    for (const path of [home, join(directory, "run/libvirt")]) {
      mkdirSync(path, { recursive: true });
      if (isRoot) chownSync(path, 65_534, 65_534);
    }
    const options = {
      env: { ...env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
      encoding: "utf8",
      timeout: 60_000,
      ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}),
    } as const;
    for (const uri of ["qemu:///session", "test+unix:///default"]) {
      const { stdout, stderr } = spawnSync("virsh", ["-c", uri, "uri"], options);
      assert.equal(stdout.trim(), uri, stderr);
    }
    assert.equal(await daemon.end("SIGTERM"), 0);
  });

  test("takes over sockets that a dead daemon has left, libvirt's too", async () => {
    const first = start("--libvirt-sockets");
    await first.has(/ready/);
    await first.end("SIGKILL");
    const libvirtSock = join(directory, "run/libvirt/libvirt-sock");
    assert.ok(existsSync(sock) && existsSync(libvirtSock));
    await using second = start("--libvirt-sockets");
    await second.has(/ready/);
    for (const path of [sock, libvirtSock]) assert.match(virsh(testUri, path, "list").stdout, /test/);
    assert.match(
      virsh(testUri, `${libvirtSock}-ro`, "destroy", "test").stderr,
      /read only access prevents virDomainDestroy/,
    );
    assert.equal(await second.end("SIGTERM"), 0);
    assert.deepEqual(readdirSync(join(directory, "run/libvirt")), []);
  });

  test("refuses sockets that are served, and touches nothing", async () => {
    mkdirSync(join(directory, "run/libvirt"));
    const held = join(directory, "run/libvirt/libvirt-sock");
    const holder = createServer((connection) => connection.destroy()).listen(held);
    await once(holder, "listening");
    try {
      const { status, stdout, stderr } = await runAside("--libvirt-sockets");
      assert.deepEqual(
        [status, stdout, stderr],
        [
          1,
          "",
          `error: ${held} is served by a live daemon: stop libvirtd and its socket units first, or leave out --libvirt-sockets\n`,
        ],
      );
      assert.deepEqual(readdirSync(join(directory, "run/libvirt")), ["libvirt-sock"]);
      assert.deepEqual(readdirSync(join(directory, "run")), ["libvirt"]);
      assert.deepEqual(readdirSync(join(directory, "state")), []);
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }

    await using daemon = start();
    await daemon.has(/ready/);
    const second = run();
    assert.deepEqual([second.status, second.stdout], [1, ""]);
    assert.match(
      second.stderr,
      /^error: \S+virtwright-sock is served by a live daemon: stop that daemon, or choose another directory by unix_sock_dir\n$/,
    );
    writeFileSync(config, `unix_sock_dir = "${directory}/sockets"\n`);
    assert.match(run().stderr, /^error: process \d+ holds \S+virtwright\.pid: stop that daemon first\n$/);
    assert.match(virsh(testUri, sock, "list").stdout, /test/);
  });

  /** As `run`, while this process goes on serving. */
  async function runAside(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
    await using program = new Program(process.execPath, [main, "daemon", "--session", ...args], env);
    const status = await program.ended();
    return { status, stdout: program.stdout, stderr: program.output.slice(program.stdout.length) };
  }

  test("checks a file without serving, and says which line is wrong", () => {
    assert.deepEqual([run("--check-config").status, run("--check-config").stdout], [0, `${config}: ok\n`]);
    writeFileSync(config, 'min_workers = 3\nmax_clients = 12 # of the house\nlog_filters = "1:*"\n');
    const good = run("--check-config");
    assert.deepEqual(
      [good.status, good.stdout, good.stderr],
      [0, `${config}: ok\n`, `warning: ${config}:1: min_workers means nothing here: one thread serves all clients\n`],
    );
    writeFileSync(config, "\nmax_client = 12\n");
    for (const args of [["--check-config"], []]) {
      const { status, stdout, stderr } = run(...args);
      assert.deepEqual([status, stdout], [1, ""]);
      assert.ok(
        stderr.startsWith(`error: ${config}:2: unknown key max_client: did you mean max_clients? The keys are `),
      );
      assert.equal(stderr.split("\n").length, 2, stderr);
    }
    const nowhere = run("--config", join(directory, "nowhere.conf"));
    assert.equal(nowhere.status, 1);
    assert.match(nowhere.stderr, /^error: \S+nowhere\.conf cannot be read: ENOENT[^\n]*\n$/);
    writeFileSync(config, `unix_sock_dir = "/${"x".repeat(100)}"\n`);
    assert.match(run().stderr, /^error: a socket's path has 1 to 107 bytes.*; choose a shorter unix_sock_dir\n$/);
    writeFileSync(config, 'unix_sock_group = "no-such-group"\n');
    assert.match(
      run().stderr,
      /^error: unix_sock_group: no group named no-such-group: create it, or choose another\n$/,
    );
  });

  test("says what it can do", () => {
    const { status, stdout } = run("--help");
    assert.equal(status, 0);
    for (const option of ["--config", "--check-config", "--libvirt-sockets", "--session", "--pid-file", "--verbose"]) {
      assert.match(stdout, new RegExp(`^  ${option} `, "m"));
    }
    const wrong = run("--nonsense");
    assert.deepEqual([wrong.status, wrong.stdout], [1, ""]);
    assert.match(wrong.stderr, /^error: Unknown option '--nonsense'/);
  });
});
