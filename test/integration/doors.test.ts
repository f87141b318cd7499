import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectSecurely } from "node:tls";
import { type Certified, certify } from "../../src/cli/pki/authority.ts";
import { credentialOf, Daemon, type LogEntry, matchesAny, type UserTable } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import type { Loop } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/index.ts";

const scram = "/usr/lib/x86_64-linux-gnu/sasl2/libscram.so";
const missing = ["/usr/bin/virsh", "/usr/bin/openssl"].filter((path) => !existsSync(path));
const skip = missing.length > 0 && `missing: ${missing.join(", ")} (apt-get install libvirt-clients openssl)`;
const skipScram = !existsSync(scram) && "no SCRAM for virsh: apt-get install libsasl2-modules";

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
}

suite("the doors of a daemon", { skip, timeout: 120_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "virtwright-doors-"));
  const authority = skip === false ? certify({ name: "ours", purpose: "authority", days: 1 }) : nothing;
  const server = makeServer("localhost");
  const log: LogEntry[] = [];
  let users: UserTable;
  let loop: Loop;
  let driver: TestDriver;
  let daemon: Daemon;

  before(async () => {
    const kept = await credentialOf("secret");
    users = { find: (name) => (name === "alice" || name === "mallory" ? kept : undefined) };
    loop = openLoop();
    driver = new TestDriver(loop);
  });

  after(async () => {
    await driver[Symbol.asyncDispose]();
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  beforeEach(() => {
    log.length = 0;
    daemon = new Daemon(loop, {
      drivers: [driver],
      log: (entry) => void log.push(entry),
      logIn: { users, refuse: (user) => (user === "mallory" ? "not on the list" : undefined) },
    });
  });

  afterEach(() => daemon.close(0));

  function makeServer(name: string): Certified {
    if (skip !== false) return nothing;
    return certify({ name, purpose: "server", hosts: [name], days: 1 }, authority);
  }

  /** What a client of that name has in its directory. */
  function makeClient(name: string, signer = authority, days = 1): string {
    const place = mkdtempSync(join(directory, "client-"));
    const client = certify({ name, purpose: "client", days }, signer);
    // virsh looks at its own certificate first: it has to find nothing wrong with it.
    writeFileSync(join(place, "cacert.pem"), authority.certificate + signer.certificate);
    writeFileSync(join(place, "clientcert.pem"), client.certificate);
    writeFileSync(join(place, "clientkey.pem"), client.key);
    return place;
  }

  function listen(options: { auth?: "sasl"; certificate?: Certified; verify?: boolean } = {}): Promise<number> {
    const { certificate = server, verify = true, auth = "none" } = options;
    return daemon.listenAt({
      host: "127.0.0.1",
      port: 0,
      auth,
      tls: {
        identity: { ca: authority.certificate, certificate: certificate.certificate, key: certificate.key },
        verify,
        refuse: (name) => (matchesAny(["CN=al*", "CN=old"], name) ? undefined : `${name} is not on the list`),
        handshakeMs: 500,
        handshakes: 5,
      },
    });
  }

  function virsh(uri: string, ...args: string[]): Promise<Outcome> {
    const env = { LC_ALL: "C", PATH: "/usr/bin:/bin", HOME: directory };
    return new Promise((resolve) => {
      const child = execFile("virsh", ["-q", "-c", uri, ...args], { env, timeout: 20_000 }, (_, stdout, stderr) =>
        resolve({ stdout, stderr }),
      );
      child.stdin?.end();
    });
  }

  const isLogged = (pattern: RegExp): boolean => log.some(({ message }) => pattern.test(message));
  async function until(condition: () => boolean, what: string): Promise<void> {
    for (let rounds = 0; !condition(); rounds++) {
      assert.ok(rounds < 500, `waited in vain until ${what}: ${log.map(({ message }) => message).join("\n")}`);
      await sleep(10);
    }
  }

  function authFile(password: string, user = "alice"): string {
    const path = join(directory, "auth.conf");
    // On a Unix socket it is this machine's name that counts.
    const places = ["localhost", hostname()].flatMap((host) => [`[auth-libvirt-${host}]`, "credentials=a"]);
    const credentials = ["[credentials-a]", `authname=${user}`, `password=${password}`];
    writeFileSync(path, [...credentials, ...places, ""].join("\n"));
    return path;
  }

  test("serves virsh with a certificate, and knows by it who is there", async () => {
    const port = await listen();
    const outcome = await virsh(
      `test+tls://localhost:${port}/default?pkipath=${makeClient("alice")}`,
      "list",
      "--name",
    );
    assert.deepEqual(outcome, { stdout: "test\n", stderr: "" });
    assert.ok(isLogged(/^connected: certificate 'CN=alice' from 127\.0\.0\.1:\d+$/));
  });

  const refused = /server verification \(of our certificate or IP address\) failed/;
  for (const [what, make, heard, reason] of [
    [
      "another authority's certificate",
      () => makeClient("alice", certify({ name: "ours", purpose: "authority", days: 1 })),
      refused,
      /certificate, of CN=alice, is not accepted: another authority has signed it/,
    ],
    [
      "an expired certificate",
      () => makeClient("old", authority, -1),
      refused,
      /certificate, of CN=old, is not accepted: it has expired/,
    ],
    ["the certificate of another name", () => makeClient("bob"), refused, /CN=bob is not on the list/],
    [
      "a server's certificate",
      () => makeImpostor(),
      /./,
      /certificate, of CN=alice, is not accepted: it is not for clients/,
    ],
  ] as const) {
    test(`refuses ${what}, and says why`, async () => {
      const port = await listen();
      const { stdout, stderr } = await virsh(
        `test+tls://localhost:${port}/default?no_sanity=1&pkipath=${make()}`,
        "list",
      );
      assert.equal(stdout, "");
      assert.match(stderr, heard);
      if (what !== "a server's certificate") assert.ok(isLogged(reason), log.map(({ message }) => message).join("\n"));
      assert.equal(daemon.size, 0);
    });
  }

  function makeImpostor(): string {
    const place = makeClient("alice");
    const wrong = certify({ name: "alice", purpose: "server", days: 1 }, authority);
    writeFileSync(join(place, "clientcert.pem"), wrong.certificate);
    writeFileSync(join(place, "clientkey.pem"), wrong.key);
    return place;
  }

  /** Who looks at no certificate of its own, and speaks on whatever it hears. Returns what it has heard. */
  async function force(port: number, own: Partial<{ cert: string; key: string }>): Promise<number[]> {
    const socket = connectSecurely({ host: "127.0.0.1", port, rejectUnauthorized: false, ...own });
    const heard: number[] = [];
    socket.on("error", () => {}).on("data", (bytes: Buffer) => heard.push(...bytes));
    socket.write(Buffer.alloc(28, 1));
    await new Promise((resolve) => socket.on("close", resolve));
    return heard;
  }

  test("refuses who has no certificate, an expired one, one of itself, or a server's, before a byte of the protocol is read", async () => {
    const port = await listen();
    const yesterday = certify({ name: "old", purpose: "client", days: -1 }, authority);
    const own = certify({ name: "alice", purpose: "client", days: 1 });
    const wrong = certify({ name: "alice", purpose: "server", days: 1 }, authority);
    for (const [given, reason] of [
      [undefined, /was not let in: it has no certificate$/],
      [yesterday, /of CN=old, is not accepted: it has expired$/],
      [own, /of CN=alice, is not accepted: nobody but itself has signed it$/],
      [wrong, /of CN=alice, is not accepted: it is not for clients$/],
    ] as const) {
      assert.deepEqual(await force(port, given === undefined ? {} : { cert: given.certificate, key: given.key }), []);
      await until(() => isLogged(reason), String(reason));
    }
    assert.ok(!isLogged(/^connected/), "nobody was ever a peer");
  });

  test("has a name, and a client that expects another one leaves", async () => {
    const port = await listen({ certificate: makeServer("elsewhere.example.org") });
    const { stderr } = await virsh(`test+tls://localhost:${port}/default?pkipath=${makeClient("alice")}`, "list");
    assert.match(stderr, /owner does not match the hostname localhost/);
  });

  test("shows a new certificate when it is told, to those who come then", async () => {
    const port = await listen({ certificate: makeServer("elsewhere.example.org") });
    daemon.renew({ ca: authority.certificate, certificate: server.certificate, key: server.key });
    const { stdout } = await virsh(
      `test+tls://localhost:${port}/default?pkipath=${makeClient("alice")}`,
      "list",
      "--name",
    );
    assert.equal(stdout, "test\n");
  });

  test("serves others while some stand in the door, and sends those away", async () => {
    const port = await listen();
    const idle: Socket[] = [];
    for (let count = 0; count < 15; count++) {
      const socket = connect({ host: "127.0.0.1", port });
      socket.on("error", () => {});
      // The beginning of a handshake that never goes on.
      socket.on("connect", () => socket.write(Uint8Array.of(0x16, 3, 1)));
      idle.push(socket);
    }
    const { stdout } = await virsh(
      `test+tls://localhost:${port}/default?pkipath=${makeClient("alice")}`,
      "list",
      "--name",
    );
    assert.equal(stdout, "test\n");
    await until(() => idle.every(({ closed }) => closed), "all are gone");
    assert.ok(isLogged(/was not let in: 5 handshakes are under way: the oldest was dropped/));
    assert.ok(isLogged(/was not let in: .*timeout/i), log.map(({ message }) => message).join("\n"));
  });

  test("does not keep one who has come in and says nothing", async () => {
    daemon.configure({ limits: { openWithinMs: 500 } });
    const port = await listen();
    const { certificate, key } = certify({ name: "alice", purpose: "client", days: 1 }, authority);
    const args = [
      "s_client",
      "-quiet",
      "-connect",
      `127.0.0.1:${port}`,
      "-cert",
      join(directory, "c.pem"),
      "-key",
      join(directory, "k.pem"),
    ];
    writeFileSync(join(directory, "c.pem"), certificate);
    writeFileSync(join(directory, "k.pem"), key);
    const ended = new Promise((resolve) => execFile("openssl", args, { timeout: 20_000 }, resolve));
    await ended;
    await until(() => isLogged(/^dropped: no hypervisor was opened within 500 ms/), "it was dropped");
    assert.equal(daemon.size, 0);
  });

  /** A byte now and then, for as long as it is heard. Resolves with how many were sent when the other end has had enough. */
  async function drip(socket: Socket, bytes: Uint8Array): Promise<number> {
    let sent = 0;
    const timer = setInterval(() => socket.write(bytes.subarray(sent, ++sent)), 20);
    socket.on("error", () => {});
    await new Promise((resolve) => socket.on("close", resolve).resume());
    clearInterval(timer);
    return sent;
  }

  test("waits no longer for one who says a byte now and then, in the handshake", async () => {
    const port = await listen();
    const hello = Buffer.concat([Uint8Array.of(0x16, 3, 1, 0x20, 0, 1, 0, 0x1f, 0xfc, 3, 3), Buffer.alloc(8_000)]);
    const sent = await drip(connect({ host: "127.0.0.1", port }), hello);
    assert.ok(sent > 5 && sent < 200, `${sent} bytes were waited for`);
    await until(() => isLogged(/was not let in: .*timeout/i), "that is told");
  });

  test("waits no longer for one who says a byte now and then, once it has come in", async () => {
    daemon.configure({ limits: { openWithinMs: 500 } });
    const port = await listen();
    const { certificate, key } = certify({ name: "alice", purpose: "client", days: 1 }, authority);
    const socket = connectSecurely({ host: "127.0.0.1", port, rejectUnauthorized: false, cert: certificate, key });
    // The beginning of a message that is as long as a stranger's may be.
    const sent = await drip(socket, Buffer.concat([Uint8Array.of(0, 4, 0, 0), Buffer.alloc(8_000)]));
    assert.ok(sent > 5 && sent < 200, `${sent} bytes were waited for`);
    await until(() => isLogged(/^dropped: no hypervisor was opened within 500 ms/), "that is told");
    assert.equal(daemon.size, 0);
  });

  test("lets virsh log in by SCRAM, behind TLS and on a Unix socket", { skip: skipScram }, async () => {
    const port = await listen({ auth: "sasl" });
    const path = join(directory, "sock");
    daemon.listen({ path, auth: "sasl" });
    const client = makeClient("alice");
    for (const uri of [
      `test+tls://localhost:${port}/default?pkipath=${client}&`,
      `test+unix:///default?socket=${path}&`,
    ]) {
      log.length = 0;
      assert.equal((await virsh(`${uri}authfile=${authFile("secret")}`, "list", "--name")).stdout, "test\n");
      assert.ok(isLogged(/^logged in: user 'alice'/));
      for (const [password, user, reason] of [
        ["wrong", "alice", /was not let in: a wrong name or password, as 'alice'/],
        ["secret", "nobody", /was not let in: a wrong name or password, as 'nobody'/],
        ["secret", "mallory", /was not let in: not on the list/],
      ] as const) {
        const { stdout, stderr } = await virsh(`${uri}authfile=${authFile(password, user)}`, "list");
        assert.equal(stdout, "");
        assert.match(stderr, /authentication failed: authentication failed/);
        assert.ok(isLogged(reason));
      }
    }
  });

  test("says by TCP that it is not secure, and by TLS that it is", async () => {
    const plain = await daemon.listenAt({ host: "127.0.0.1", port: 0 });
    const secure = await listen();
    const script = "import libvirt,sys\nprint(libvirt.open(sys.argv[1]).isSecure())";
    const ask = (uri: string): Promise<string> =>
      new Promise((resolve) => execFile("python3", ["-c", script, uri], (_, stdout) => resolve(stdout.trim())));
    if (spawnSync("python3", ["-c", "import libvirt"]).status !== 0) return;
    assert.equal(await ask(`test+tcp://127.0.0.1:${plain}/default`), "0");
    assert.equal(await ask(`test+tls://localhost:${secure}/default?pkipath=${makeClient("alice")}`), "1");
  });

  test("turns away at a port who comes when all connections are in use", async () => {
    daemon.configure({ limits: { clients: 1, openWithinMs: 60_000 } });
    const port = await daemon.listenAt({ host: "127.0.0.1", port: 0 });
    const first = connect({ host: "127.0.0.1", port }).on("error", () => {});
    await until(() => daemon.size === 1, "the first is in");
    const second = connect({ host: "127.0.0.1", port }).on("error", () => {});
    await until(() => second.closed, "the second is out");
    first.destroy();
    await until(() => daemon.size === 0, "the first is gone");
    assert.equal((await virsh(`test+tcp://127.0.0.1:${port}/default`, "list", "--name")).stdout, "test\n");
  });

  test("cannot serve a port that somebody has", async () => {
    const port = await daemon.listenAt({ host: "127.0.0.1", port: 0 });
    await assert.rejects(daemon.listenAt({ host: "127.0.0.1", port }), { code: "EADDRINUSE" });
  });
});

const nothing: Certified = { certificate: "", key: "" };
