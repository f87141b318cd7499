import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { Daemon } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import type { Loop } from "../../src/event/index.ts";
import { connectUnix, openLoop } from "../../src/os/index.ts";
import { type Domain, ErrorCode, remote } from "../../src/protocol/index.ts";
import { Connection, clientOf, type Stream } from "../../src/rpc/index.ts";

const force = 1;
const devices =
  "<serial type='pty'/><serial type='file'><source path='/tmp/x'/></serial><console type='pty'><target type='virtio'/></console>";
const xml = (inner: string): string =>
  `<domain type='test'><name>small</name><memory>1024</memory><os><type>hvm</type></os><devices>${inner}</devices></domain>`;

/** A terminal for virsh: it waits for the prompt, types, and leaves by Ctrl-]. */
const pty = `
import os, pty, sys
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
seen = b""
steps = [(b"small login: ", b"hello\\r"), (b"hello\\r\\nhello\\r\\nsmall login: ", b"\\x1d")]
while True:
    try: part = os.read(fd, 4096)
    except OSError: break
    if not part: break
    seen += part
    if steps and steps[0][0] in seen: os.write(fd, steps.pop(0)[1])
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

describe("a console of the test hypervisor", { timeout: 60_000 }, () => {
  let directory: string;
  let path: string;
  let loop: Loop;
  let driver: TestDriver;
  let daemon: Daemon;
  let connections: Connection[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "console-"));
    path = join(directory, "sock");
    loop = openLoop();
    driver = new TestDriver(loop);
    daemon = new Daemon(loop, { drivers: [driver] });
    daemon.listen({ path });
    connections = [];
  });

  afterEach(async () => {
    for (const each of connections) each.close();
    await daemon.close();
    await driver.close();
    await loop.close();
    rmSync(directory, { recursive: true });
  });

  async function connect() {
    const connection = new Connection(loop, connectUnix(loop, path));
    connections.push(connection);
    connection.open({ onClose: () => {} });
    const call = clientOf(connection, remote);
    await call.authList({});
    await call.connectOpen({ name: "test:///default", flags: 0 });
    const open = async (dom: Domain, flags = 0, devName: string | null = null): Promise<Stream> =>
      (await call.domainOpenConsole({ dom, devName, flags })).stream;
    return { connection, call, open };
  }

  async function start(inner = devices) {
    const client = await connect();
    const { dom } = await client.call.domainCreateXml({ xmlDesc: xml(inner), flags: 0 });
    return { ...client, dom };
  }

  /** Reads until this has come. */
  async function expect(stream: Stream, wanted: string): Promise<void> {
    let seen = "";
    for await (const bytes of stream) {
      seen += Buffer.from(bytes).toString();
      if (seen.endsWith(wanted)) return;
    }
    assert.fail(`the stream has ended after ${JSON.stringify(seen)}`);
  }

  it("is for one at a time, and free again when its client has finished or vanished", async () => {
    const { open, dom } = await start();
    const first = await open(dom);
    await expect(first, "small login: ");
    await first.write(Buffer.from("hi\r"));
    await expect(first, "hi\r\nhi\r\nsmall login: ");
    const other = await connect();
    await assert.rejects(other.open(dom), {
      code: ErrorCode.operationFailed,
      message: "operation failed: Active console session exists for this domain",
    });
    await expect(await other.open(dom, 0, "serial0"), "small login: ");
    await first.finish();
    await expect(await other.open(dom), "small login: ");
    other.connection.close();
    // The daemon hears of the end no later than of a connection that comes after it, or soon after that.
    for (let tries = 0; ; tries++) {
      const again = await open(dom).catch((error: unknown) => error);
      if (again instanceof Error) assert.ok(tries < 100, again.message);
      else return expect(again as Stream, "small login: ");
    }
  });

  it("is taken over by force", async () => {
    const { open, dom } = await start();
    const first = await open(dom);
    await expect(first, "small login: ");
    const second = await open(dom, force);
    await expect(second, "small login: ");
    await assert.rejects(expect(first, "never"), { code: ErrorCode.rpc });
    await second.write(Buffer.from("x"));
    await expect(second, "x");
  });

  it("ends with the run of its domain", async () => {
    const { call, open, dom } = await start();
    const stream = await open(dom);
    await expect(stream, "small login: ");
    await call.domainDestroy({ dom });
    assert.equal((await stream[Symbol.asyncIterator]().next()).done, true);
    await stream.finish();
  });

  it("needs a running domain, a device, and one that is a terminal", async () => {
    const { call, open, dom } = await start();
    const refused = { code: ErrorCode.internalError };
    await assert.rejects(open(dom, 0, "serial1"), {
      ...refused,
      message: "internal error: character device serial1 is not using a PTY",
    });
    await assert.rejects(open(dom, 0, "nosuch"), {
      ...refused,
      message: "internal error: cannot find console device 'nosuch'",
    });
    const { dom: bare } = await call.domainLookupByName({ name: "test" });
    await assert.rejects(open(bare), {
      ...refused,
      message: "internal error: cannot find console device 'default'",
    });
    await call.domainShutdown({ dom: bare });
    await assert.rejects(open(bare), { code: ErrorCode.operationInvalid });
  });

  const missing = ["/usr/bin/virsh", "/usr/bin/python3"].filter((each) => !existsSync(each));
  it("is what virsh console shows", { skip: missing.length > 0 && `missing: ${missing.join(", ")}` }, async () => {
    await start("<serial type='pty'/>");
    const uri = `test+unix:///default?socket=${path}`;
    const args = ["-c", pty, "/usr/bin/virsh", "-c", uri, "console", "small"];
    const output = await new Promise<string>((resolve, reject) => {
      execFile("/usr/bin/python3", args, { timeout: 20_000 }, (error, stdout) =>
        error === null ? resolve(stdout) : reject(new Error(`${error.message}\n${stdout}`)),
      );
    });
    assert.match(output, /Connected to domain 'small'/);
    assert.match(output, /small login: hello\r\nhello\r\nsmall login: /);
  });
});
