import assert from "node:assert/strict";
import { openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { type Readiness, Ready } from "../../src/event/host.ts";
import { Nexus, type Token } from "../../src/event/nexus.ts";
import { EpollHost } from "../../src/os/epoll-host.ts";
import * as libc from "../../src/os/libc.ts";
import { pairSockets } from "../../src/os/socket.ts";
import { SystemError } from "../../src/os/system-error.ts";
import { openDescriptors, openEvent, ring, silence } from "./descriptors.ts";

const { none, readable, writable, hangup } = Ready;

suite("EpollHost", () => {
  const tokens = new Nexus<{ name: string }>();
  let host: EpollHost;
  let opened: number[];
  /** The epoll instances of Node itself. */
  let others: Set<string>;

  beforeEach(() => {
    opened = [];
    others = new Set(epollInstances());
    host = new EpollHost();
    host.start(() => {});
  });

  afterEach(() => {
    host.close();
    for (const fd of opened) libc.close(fd);
  });

  function event(rings = 0): number {
    const fd = openEvent(rings);
    opened.push(fd);
    return fd;
  }

  function arm(name: string, fd: number, interest: Readiness, alwaysReady = false): Token {
    const token = tokens.issue({ name });
    host.arm(token, fd, interest, alwaysReady);
    return token;
  }

  /** What one poll reports: "name readiness". */
  function poll(): string[] {
    const reports: string[] = [];
    host.poll((token, ready) => reports.push(`${tokens.resolve(token)?.name} ${ready}`));
    return reports.sort();
  }

  /** Puts a new file under the number of another. */
  function replace(fd: number, rings = 0): void {
    libc.close(fd);
    const fresh = openEvent(rings);
    assert.equal(fresh, fd, "the lowest free number is used again");
  }

  test("reports what is ready, and only that", () => {
    const quiet = event();
    const rung = event(1);
    arm("quiet", quiet, readable);
    arm("rung", rung, readable);
    assert.deepEqual(poll(), [`rung ${readable}`]);
    assert.deepEqual(poll(), [`rung ${readable}`], "level-triggered: still ready, reported again");
    silence(rung);
    assert.deepEqual(poll(), []);
  });

  test("a watch may ask for hang-up alone", () => {
    const [ours, theirs] = pairSockets();
    opened.push(ours);
    arm("waiting", ours, hangup);
    libc.write(theirs, new Uint8Array(1), 1);
    assert.deepEqual(poll(), [], "readable, which it did not ask for");
    libc.close(theirs);
    assert.deepEqual(poll(), [`waiting ${hangup}`]);
  });

  test("two watches on one descriptor each get exactly their own events", () => {
    const fd = event(1);
    arm("reader", fd, readable);
    const writer = arm("writer", fd, writable);
    arm("both", fd, readable | writable);
    arm("sleeper", fd, none);
    assert.deepEqual(poll(), [`both ${readable | writable}`, `reader ${readable}`, `writer ${writable}`]);
    host.disarm(writer);
    silence(fd);
    assert.deepEqual(poll(), [`both ${writable}`]);
  });

  test("hang-up reaches every watch that asks for something, and no other", () => {
    const [fd, peer] = pairSockets();
    opened.push(fd);
    arm("reader", fd, readable);
    arm("sleeper", fd, none);
    libc.close(peer);
    assert.deepEqual(poll(), [`reader ${readable | hangup}`]);
  });

  test("hang-up is no reason to wake up again and again for a descriptor nobody asks for", () => {
    const [fd, peer] = pairSockets();
    opened.push(fd);
    const token = arm("sleeper", fd, readable);
    host.rearm(token, none);
    libc.close(peer);
    assert.deepEqual(poll(), []);
    assert.equal(kernelReports(), 0, "the kernel says it once at most");
    host.rearm(token, readable);
    assert.deepEqual(poll(), [`sleeper ${readable | hangup}`]);
  });

  test("a closed descriptor is refused with EBADF, and nothing is left behind", () => {
    const fd = openEvent();
    libc.close(fd);
    assert.throws(
      () => arm("closed", fd, readable),
      (error) => error instanceof SystemError && error.code === "EBADF",
    );
    opened.push(openEvent(1));
    assert.deepEqual(poll(), []);
  });

  test("a regular file is refused with the name of the option, or always ready", () => {
    const fd = openSync(new URL(import.meta.url), "r");
    opened.push(fd);
    assert.throws(() => arm("file", fd, readable), /alwaysReady: true/);
    const token = arm("file", fd, readable, true);
    assert.deepEqual(poll(), [`file ${readable}`]);
    host.rearm(token, none);
    assert.deepEqual(poll(), []);
    host.rearm(token, writable);
    assert.deepEqual(poll(), [`file ${writable}`]);
    host.disarm(token);
    assert.deepEqual(poll(), []);
  });

  test("alwaysReady changes nothing for a descriptor that can be watched", () => {
    arm("quiet", event(), readable, true);
    assert.deepEqual(poll(), []);
  });

  test("a descriptor closed, reopened and registered again before the removal keeps the two watches apart", () => {
    const fd = event();
    const old = arm("old", fd, readable);
    replace(fd, 1);
    arm("new", fd, readable);
    assert.deepEqual(poll(), [`new ${readable}`]);
    host.rearm(old, readable | writable);
    assert.deepEqual(poll(), [`new ${readable}`]);
    host.disarm(old);
    assert.deepEqual(poll(), [`new ${readable}`], "removing the old watch leaves the new file's entry alone");
  });

  test("the same when the old watch had asked for nothing", () => {
    const fd = event();
    const old = arm("old", fd, none);
    replace(fd, 1);
    arm("new", fd, readable);
    host.rearm(old, readable);
    assert.deepEqual(poll(), [`new ${readable}`]);
  });

  test("a watch whose file was replaced is not given to the new file by modify", () => {
    const fd = event();
    const old = arm("old", fd, none);
    replace(fd, 1);
    host.rearm(old, readable);
    assert.deepEqual(poll(), []);
    arm("new", fd, readable);
    assert.deepEqual(poll(), [`new ${readable}`]);
  });

  test("a watchable file replaced by a regular one, and back", () => {
    const fd = event(1);
    arm("event", fd, readable);
    libc.close(fd);
    const path = join(tmpdir(), `virtwright-${process.pid}`);
    assert.equal(openSync(path, "w+"), fd);
    rmSync(path);
    const file = arm("file", fd, readable, true);
    assert.deepEqual(poll(), [`file ${readable}`]);
    host.disarm(file);
    replace(fd, 1);
    arm("again", fd, readable);
    assert.deepEqual(poll(), [`again ${readable}`]);
  });

  test("an entry that no number leads to any more is got rid of", () => {
    const other = event();
    arm("other", other, readable);
    const fd = event();
    const token = arm("gone", fd, readable);
    const duplicate = libc.duplicate(fd);
    opened.push(duplicate);
    libc.close(fd);
    // The kernel cannot delete it: the number is closed, the file lives on.
    host.disarm(token);
    opened.splice(opened.indexOf(fd), 1);
    ring(duplicate);
    assert.deepEqual(poll(), [], "an event for a port that is gone reaches nobody");
    assert.equal(kernelReports(), 0, "and after that the kernel reports nothing any more");
    ring(other);
    assert.deepEqual(poll(), [`other ${readable}`], "what is alive is watched on");
  });

  test("building the epoll instance anew does not give a replaced number to the old watch", () => {
    const zombie = event();
    const stale = event();
    const zombieToken = arm("zombie", zombie, readable);
    arm("stale", stale, readable);
    const duplicate = libc.duplicate(zombie);
    opened.push(duplicate);
    libc.close(zombie);
    host.disarm(zombieToken);
    replace(zombie);
    replace(stale, 1);
    ring(duplicate);
    assert.deepEqual(poll(), []);
    assert.deepEqual(poll(), []);
    arm("new", stale, readable);
    assert.deepEqual(poll(), [`new ${readable}`]);
  });

  test("a file that comes back under its number by way of a duplicate is watched again", () => {
    const fd = event();
    const token = arm("before", fd, readable);
    const duplicate = libc.duplicate(fd);
    libc.close(fd);
    host.disarm(token);
    assert.equal(libc.duplicate(duplicate), fd);
    libc.close(duplicate);
    arm("after", fd, readable);
    ring(fd);
    assert.deepEqual(poll(), [`after ${readable}`]);
  });

  test("more ready descriptors than one poll takes: none starves", () => {
    const count = 600;
    for (let index = 0; index < count; index++) arm(`${index}`, event(1), readable);
    const seen = new Set<string>();
    for (let polls = 0; polls < 3; polls++) for (const report of poll()) seen.add(report);
    assert.equal(seen.size, count);
  });

  test("gives everything back on close, also after rebuilding", () => {
    const before = openDescriptors();
    const own = new EpollHost();
    own.start(() => {});
    own.wakeAt(own.now() + 1000);
    const fd = openEvent();
    own.arm(1, fd, readable, false);
    const duplicate = libc.duplicate(fd);
    libc.close(fd);
    own.disarm(1);
    ring(duplicate);
    own.poll(() => {});
    libc.close(duplicate);
    own.close();
    own.close();
    own.wake();
    assert.deepEqual(openDescriptors(), before);
  });

  /** How much the kernel has for the host, whoever it is for. */
  function kernelReports(): number {
    const own = epollInstances().filter((line) => !others.has(line));
    assert.equal(own.length, 1);
    return libc.epollWait(Number.parseInt(own[0] ?? "", 10), new Uint32Array(64), 8, 0);
  }
});

function epollInstances(): string[] {
  return openDescriptors().filter((line) => line.endsWith("anon_inode:[eventpoll]"));
}
