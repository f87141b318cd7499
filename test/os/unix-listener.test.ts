import assert from "node:assert/strict";
import { existsSync, lstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { type Loop, StateError } from "../../src/event/index.ts";
import { openLoop } from "../../src/os/event-loop.ts";
import * as libc from "../../src/os/libc.ts";
import { bindSocket } from "../../src/os/socket.ts";
import { isSocketServed } from "../../src/os/socket-file.ts";
import { listenUnix } from "../../src/os/unix-listener.ts";
import { connectUnix, type UnixTransport } from "../../src/os/unix-transport.ts";
import { openDescriptors } from "./descriptors.ts";
import { Listening } from "./listening.ts";

suite("listenUnix", () => {
  let loop: Loop;
  let before: string[];
  let directory: string;
  let path: string;
  const errors: unknown[] = [];

  beforeEach(() => {
    before = openDescriptors();
    loop = openLoop({ onError: (error) => errors.push(error) });
    directory = mkdtempSync(join(tmpdir(), "virtwright-test-"));
    path = join(directory, "socket");
  });

  afterEach(async () => {
    await loop.close();
    rmSync(directory, { recursive: true });
    assert.deepEqual(openDescriptors(), before);
  });

  const reject = (connection: UnixTransport): void => connection.close();

  test("serves those who connect", async () => {
    listenUnix(loop, path, {}, (connection) => {
      new Listening(connection, ({ received }) => connection.send(Buffer.from(received.toUpperCase())));
    });
    const client = new Listening(connectUnix(loop, path));
    client.connection.send(Buffer.from("hello"));
    await client.until(() => client.received === "HELLO");
  });

  test("serves a crowd", async () => {
    const served: UnixTransport[] = [];
    listenUnix(loop, path, {}, (connection) => {
      served.push(connection);
      new Listening(connection).connection.send(Buffer.from("."));
    });
    const clients = Array.from({ length: 100 }, () => new Listening(connectUnix(loop, path)));
    await Promise.all(clients.map((client) => client.until(() => client.received === ".")));
    assert.equal(served.length, 100);
  });

  test("those who connect while it is paused wait, and are served when it goes on", async () => {
    const served: UnixTransport[] = [];
    const listener = listenUnix(loop, path, {}, (connection) => {
      served.push(connection);
      listener.pause();
      new Listening(connection).connection.send(Buffer.from("."));
    });
    const clients = [connectUnix(loop, path), connectUnix(loop, path)].map((connection) => new Listening(connection));
    await clients[0]?.until(() => clients[0]?.received === ".");
    const turns = Promise.withResolvers<void>();
    loop.post(() => loop.post(() => turns.resolve()));
    await turns.promise;
    assert.deepEqual([served.length, clients[1]?.received, clients[1]?.closes.length], [1, "", 0]);
    listener.resume();
    await clients[1]?.until(() => clients[1]?.received === ".");
    assert.equal(served.length, 2);
  });

  test("the file has the permissions asked for, whatever the umask", () => {
    const umask = process.umask(0o077);
    try {
      listenUnix(loop, path, { mode: 0o660, group: process.getgid?.() ?? 0 }, reject);
      assert.equal(lstatSync(path).mode & 0o777, 0o660);
    } finally {
      process.umask(umask);
    }
  });

  test("a group is found by its name, and an unknown one leaves nothing behind", () => {
    assert.throws(() => listenUnix(loop, path, { group: "no-such-group" }, reject), /no group named no-such-group/);
    assert.ok(!existsSync(path));
    listenUnix(loop, path, { group: "root" }, reject);
    assert.equal(lstatSync(path).gid, 0);
  });

  test("a path that is served already is refused, and stays served", async () => {
    listenUnix(loop, path, {}, reject);
    assert.throws(
      () => listenUnix(loop, path, {}, reject),
      (error) => error instanceof StateError && /already served/.test(error.message),
    );
    const client = new Listening(connectUnix(loop, path));
    await client.until(() => client.closes.length === 1);
  });

  test("a file left behind by a daemon that died is replaced", async () => {
    const leftover = bindSocket(path);
    libc.close(leftover);
    assert.throws(() => connectUnix(loop, path), { code: "ECONNREFUSED" });
    listenUnix(loop, path, {}, reject);
    const client = new Listening(connectUnix(loop, path));
    await client.until(() => client.closes.length === 1);
  });

  test("whether a path is served can be asked", () => {
    assert.equal(isSocketServed(path), false, "nothing is there");
    libc.close(bindSocket(path));
    assert.equal(isSocketServed(path), false, "nobody listens");
    const listener = listenUnix(loop, path, {}, reject);
    assert.equal(isSocketServed(path), true);
    listener.close();
    assert.equal(isSocketServed(path), false);
  });

  test("a file that is no socket is left alone", () => {
    writeFileSync(path, "precious");
    assert.throws(() => listenUnix(loop, path, {}, reject), StateError);
    assert.ok(existsSync(path));
  });

  test("two who open sockets in one directory at the same time do not get in each other's way", () => {
    const other = openSync(directory, "r");
    libc.check(libc.flock(other, 2 | 4), "flock", directory);
    assert.throws(() => listenUnix(loop, path, {}, reject), /try again/);
    libc.close(other);
    listenUnix(loop, path, {}, reject);
  });

  test("closing takes the file away, and only its own", async () => {
    const first = listenUnix(loop, path, {}, reject);
    rmSync(path);
    const second = listenUnix(loop, path, {}, reject);
    await first[Symbol.asyncDispose]();
    assert.ok(existsSync(path), "the file was somebody else's by then");
    second.close();
    assert.ok(!existsSync(path));
    await second.closed;
    assert.throws(() => connectUnix(loop, path), { code: "ENOENT" });
  });

  test("a loop that closes takes the file along", async () => {
    listenUnix(loop, path, {}, reject);
    await loop.close();
    assert.ok(!existsSync(path));
  });

  test("on a closed loop it is refused and leaves nothing behind", async () => {
    await loop.close();
    const open = openDescriptors();
    assert.throws(() => listenUnix(loop, path, {}, reject), StateError);
    assert.ok(!existsSync(path));
    assert.deepEqual(openDescriptors(), open);
  });

  test("an error in the callback closes that connection and hurts no other", async () => {
    let count = 0;
    listenUnix(loop, path, {}, (connection) => {
      if (++count === 1) throw new Error("not that one");
      new Listening(connection).connection.send(Buffer.from("."));
    });
    const clients = [connectUnix(loop, path), connectUnix(loop, path)].map((connection) => new Listening(connection));
    await clients[0]?.until(() => clients[0]?.closes.length === 1);
    await clients[1]?.until(() => clients[1]?.received === ".");
    assert.deepEqual(errors, [new Error("not that one")]);
  });

  test("a path too long for a socket is refused with its limit", () => {
    assert.throws(() => listenUnix(loop, join(directory, "x".repeat(100)), {}, reject), /1 to 107 bytes/);
  });
});
