import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type Connection, DomainDefinition, domain, ErrorCode, open } from "../../src/open/index.ts";
import { libvirtd, Teacher } from "../conformance/virsh/teacher.ts";
import { Ways } from "./client-ways.ts";

const directory = mkdtempSync(join(tmpdir(), "vw-client-"));
// libvirtd runs as nobody where we are root.
chmodSync(directory, 0o755);
after(() => rmSync(directory, { recursive: true, force: true }));

/** What is the same with every test driver. */
async function exercise(connection: Connection): Promise<void> {
  assert.equal(await connection.getType(), "TEST");
  const [test, ...others] = await connection.domains();
  assert.ok(test !== undefined && others.length === 0 && test.name === "test");
  assert.equal(await test.isActive(), true);
  const { memory, nrVirtCpu } = await test.getInfo();
  assert.deepEqual([typeof memory, nrVirtCpu], ["bigint", 2]);
  assert.equal((await test.getSchedulerParameters())["weight"], 50);
  assert.match(await test.getXmlDesc({ flags: ["inactive", "secure"] }), /<name>test<\/name>/);

  await using events = test.events("lifecycle");
  await events.ready;
  const iterator = events[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value } = await iterator.next();
    return `${value?.event} ${value?.detail}`;
  };
  await test.suspend();
  assert.equal(await next(), "suspended paused");
  assert.deepEqual(await test.status(), { state: "paused", reason: "user" });
  await test.resume();
  assert.equal(await next(), "resumed unpaused");
  await test.destroy();
  assert.equal(await next(), "stopped destroyed");
  await assert.rejects(test.destroy(), { code: ErrorCode.operationInvalid });
  await test.create();
  assert.equal(await next(), "started booted");

  const pool = await connection.storagePoolLookupByName("default-pool");
  assert.ok((await pool.getInfo()).capacity > 0n);
  const volume = await pool.volCreateXml("<volume><name>v</name><capacity unit='MiB'>8</capacity></volume>");
  assert.deepEqual([volume.pool, volume.name, (await volume.getInfo()).capacity], ["default-pool", "v", 8_388_608n]);
  assert.equal((await volume.poolLookupByVolume()).uuid, pool.uuid);
  assert.deepEqual(
    (await pool.listAllVolumes()).map(({ name }) => name),
    ["v"],
  );
  await volume.delete();
  const snapshot = await test.snapshotCreateXml("<domainsnapshot><name>s</name></domainsnapshot>");
  assert.deepEqual([snapshot.name, snapshot.dom.name, await snapshot.isCurrent()], ["s", "test", true]);
  await snapshot.delete();
  assert.deepEqual(await test.listAllSnapshots(), []);
  const network = await connection.networkLookupByName("default");
  assert.deepEqual([await network.isActive(), await network.getAutostart()], [true, false]);
  const built = domain({ name: "built", type: "test", memory: "64MiB", vcpus: 2, title: "Built" });
  const defined = await connection.domainDefineXml(built);
  const shown = DomainDefinition.parse(await defined.getXmlDesc());
  assert.deepEqual([shown.title, shown.memory, shown.vcpus], ["Built", 67_108_864n, { maximum: 2, current: 2 }]);
  await connection.domainDefineXml(shown.with({ memory: "128MiB", description: "changed" }));
  assert.equal((await defined.getInfo()).maxMem, 131_072n);
  await defined.undefine();
  const [stats] = await connection.getAllDomainStats({ doms: [test], stats: 1 });
  assert.equal(stats?.params["state.state"], 1);
  assert.ok((await connection.nodeGetInfo()).cpus > 0);
}

suite("the library with Debian's libvirtd", { skip: !existsSync(libvirtd) && `${libvirtd} is not installed` }, () => {
  const teacher = new Teacher(join(directory, "teacher"));
  before(() => teacher.start());
  after(() => teacher.stop());
  const uri = `test+unix:///default?socket=${teacher.socket}`;

  test("gives values, objects, events and errors", async () => {
    await using connection = await open(uri);
    assert.equal(connection.has("cursor"), false);
    await exercise(connection);
  });

  test("throws the cause when the daemon is killed, and with reconnect says what has changed", async () => {
    await using connection = await open(uri);
    await using other = await open(uri);
    await using plain = connection.events("lifecycle");
    await using resumed = other.events("lifecycle", { reconnect: true });
    await Promise.all([plain.ready, resumed.ready]);
    const made = await other.domainCreateXml(
      "<domain type='test'><name>transient</name><memory>1024</memory><os><type>hvm</type></os></domain>",
    );
    const iterator = resumed[Symbol.asyncIterator]();
    assert.equal((await iterator.next()).value?.name, "lifecycle");
    await teacher.stop();
    await teacher.start();
    const { value: gap } = await iterator.next();
    assert.ok(gap?.name === "gap");
    assert.deepEqual(
      gap.changes?.map(({ domain, before, after }) => [domain.uuid, before, after]),
      [[made.uuid, "running", undefined]],
    );
    await assert.rejects(
      async () => {
        for await (const _ of plain);
      },
      { code: ErrorCode.internalError },
    );
    assert.equal(connection.state, "lost");
    assert.equal(await other.getType(), "TEST");
  });
});

suite("the library with drivers of ours", () => {
  test("embedded in this process gives values, objects, events and errors", async () => {
    await using connection = await open("test:///default", { embed: true });
    assert.equal(connection.has("cursor"), true);
    await exercise(connection);
  });

  test("reads and writes a console as web streams", async () => {
    await using connection = await open("test:///default", { embed: true });
    const domain = await connection.domainCreateXml(
      "<domain type='test'><name>c</name><memory>1024</memory><os><type>hvm</type></os><devices><console type='pty'/></devices></domain>",
    );
    await using console = await domain.openConsole();
    const writer = console.writable.getWriter();
    await writer.write(new TextEncoder().encode("hello\r"));
    const reader = console.readable.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("hello")) {
      const { value, done } = await reader.read();
      assert.equal(done, false, text);
      text += value;
    }
    const { mime, stream } = await domain.screenshot(0);
    assert.match(mime ?? "", /^image\//);
    const image = new Uint8Array(await new Response(stream).arrayBuffer());
    assert.equal(new TextDecoder().decode(image.subarray(1, 4)), "PNG");
  });
});

suite("the ways to a daemon", () => {
  let ways: Ways;
  before(() => {
    ways = new Ways(mkdtempSync(join(directory, "ways-")));
    ways.makeCertificates();
  });
  after(() => ways[Symbol.asyncDispose]());
  const reached = async (uri: string): Promise<void> => {
    await using connection = await open(uri);
    assert.equal(await connection.getType(), "TEST");
    assert.equal((await connection.domains()).length, 1);
  };

  test("tcp", async () => {
    await reached(`test+tcp://localhost:${await ways.tcp()}/default`);
  });

  test("tls, with certificates of both", async () => {
    await reached(`test+tls://localhost:${await ways.tls(1)}/default?pkipath=${ways.directory}`);
  });

  test("tls, where the server refuses our certificate", async () => {
    const uri = `test+tls://localhost:${await ways.tls(0)}/default?pkipath=${ways.directory}`;
    await assert.rejects(open(uri), { code: ErrorCode.systemError, message: /refused our certificate/ });
  });

  test("tls, where the certificate of the server is nobody's", async () => {
    const port = await ways.tls(1);
    const other = mkdtempSync(join(directory, "other-"));
    await using foreign = new Ways(other);
    foreign.makeCertificates();
    const unknown = open(`test+tls://localhost:${port}/default?pkipath=${other}`);
    await assert.rejects(unknown, { code: ErrorCode.systemError, message: /certificate/ });
  });

  test("a program of the user's", async () => {
    const socket = await ways.unix("ext-sock");
    const command = join(ways.directory, "way");
    ways.netcat();
    writeFileSync(command, `#!/bin/sh\nexec "${join(ways.directory, "netcat")}" -U "${socket}"\n`);
    chmodSync(command, 0o755);
    await reached(`test+ext:///default?command=${command}`);
  });

  test("ssh with netcat, and what it says when it fails", async () => {
    const socket = await ways.unix("ssh-sock");
    const params = `command=${ways.ssh()}&netcat=${ways.netcat()}&socket=${socket}`;
    await reached(`test+ssh://ada@far.example:22/default?${params}&no_tty=1`);
    assert.match(
      readFileSync(`${ways.ssh()}.log`, "utf8"),
      /-p 22 -l ada -o BatchMode=yes -T -e none -- far\.example /,
    );
    const failing = open(`test+ssh://far.example/default?command=${ways.ssh()}&proxy=native`);
    await assert.rejects(failing, /ssh ended with status \d+: .*virt-ssh-helper/);
  });

  test("nobody there", async () => {
    const uri = "test+unix:///default?socket=/nonexistent/socket";
    await assert.rejects(open(uri), { code: ErrorCode.systemError, message: /none of these sockets exists/ });
  });

  test("load no native code and nothing of the daemon's, and by Node's sockets nothing of TLS and HTTP", async () => {
    const port = await ways.tcp();
    const script = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      const { open } = await import(${JSON.stringify(join(import.meta.dirname, "../../src/open/index.ts"))});
      await using connection = await open("test+tcp://localhost:${port}/default");
      console.log(await connection.getType(), loaded.length);
      console.log(loaded.filter((url) => /koffi|\\/src\\/(os|daemon|driver|model|cli)\\/|^node:(tls|http|crypto)$/.test(url)).join());
    `;
    const { promise, resolve } = Promise.withResolvers<string>();
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.on("close", () => resolve(text));
    assert.match(await promise, /^TEST \d+\n\n$/);
  });
});
