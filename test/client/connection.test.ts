import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Connection } from "../../src/client/index.ts";
import { ErrorCode, VirError } from "../../src/protocol/index.ts";
import { ClientWorld } from "./client-world.ts";

suite("a call", () => {
  test("gives values, and objects with methods of their own", async () => {
    const world = new ClientWorld();
    const connection = await world.open();
    assert.equal(await world.settle(connection.getType()), "Fake");
    assert.equal(await world.settle(connection.getVersion()), 1_002_003n);
    const defined = await world.settle(connection.domainDefineXml("<domain><name>hello</name></domain>"));
    assert.equal(defined.name, "hello");
    await world.settle(defined.create());
    assert.deepEqual(await world.settle(defined.status()), { state: "running", reason: "booted" });
    const all = await world.settle(connection.domains());
    assert.deepEqual(
      all.map(({ name, id }) => [name, id]),
      [["hello", 1]],
    );
    assert.equal(all[0]?.connection, connection);
    await world.settle(connection.close());
  });

  test("rejects with libvirt's error", async () => {
    const world = new ClientWorld();
    const connection = await world.open();
    const looking = world.settle(connection.domain("nobody"));
    await assert.rejects(looking, (error) => error instanceof VirError && error.code === ErrorCode.noDomain);
  });

  test("rejects what does not fit its field with libvirt's error, and names the field", async () => {
    const world = new ClientWorld();
    const connection = await world.open();
    world.serving.driver.define("hello");
    const hello = await world.settle(connection.domain("hello"));
    const refuses = async (call: Promise<unknown>, what: RegExp): Promise<void> => {
      const isTold = (error: unknown): boolean =>
        error instanceof VirError &&
        error.code === ErrorCode.invalidArg &&
        error.cause instanceof Error &&
        what.test(error.message);
      await assert.rejects(world.settle(call), isTold);
    };
    await refuses(hello.setVcpus(1e11), /^invalid argument: nvcpus of domainSetVcpus: 100000000000 is not an integer/);
    await refuses(hello.setMemory(1.5), /memory of domainSetMemory: .*1\.5/);
    await refuses(hello.setMemory(1n << 64n), /memory of domainSetMemory: .*does not fit/);
    await refuses(connection.domainLookupByUuid("xx"), /uuid of domainLookupByUuid: not a UUID: xx/);
    await refuses(connection.attachQemu(1e11), /pidValue of domainAttach: 100000000000/);
    assert.equal(await world.settle(connection.getType()), "Fake", "the connection serves on");
  });

  test("takes flags as words, as a list of them, and as libvirt's number", async () => {
    const world = new ClientWorld();
    const connection = await world.open();
    for (const flags of ["active", ["active", "persistent"], 1] as const) {
      assert.deepEqual(await world.settle(connection.domains({ flags })), []);
    }
    await assert.rejects(
      // @ts-expect-error -- there is no such word
      world.settle(connection.domains({ flags: "lively" })),
      /no flag "lively"; there are: active, /,
    );
  });

  test("goes by the row with flags when some are given", async () => {
    const world = new ClientWorld();
    const connection = await world.open();
    world.serving.driver.define("hello");
    const domain = await world.settle(connection.domain("hello"));
    await world.settle(domain.undefine({ flags: "managedSave" }));
    await assert.rejects(world.settle(connection.domain("hello")), { code: ErrorCode.noDomain });
  });

  test("is cancelled on the server by its signal, and late by its deadline", async () => {
    const world = new ClientWorld();
    const connection = await world.open();
    world.serving.driver.stuck = new Promise(() => {});
    world.serving.driver.define("hello");
    const domain = await world.settle(connection.domain("hello"));
    const abort = new AbortController();
    const cancelled = domain.getMessages({ signal: abort.signal });
    await world.rest();
    abort.abort(new Error("enough"));
    await assert.rejects(world.settle(cancelled), { message: "enough" });
    assert.equal(world.serving.driver.stuckSignal?.aborted, true);
    const late = domain.getMessages({ timeoutMs: 500 });
    await world.rest();
    world.serving.world.pass(600);
    await assert.rejects(world.settle(late), { code: ErrorCode.operationTimeout });
  });

  test("is not made at all when its signal was aborted before", async () => {
    const world = new ClientWorld();
    const connection = await world.open();
    const signal = AbortSignal.abort(new Error("before"));
    await assert.rejects(world.settle(connection.getHostname({ signal })), { message: "before" });
  });

  test("goes out without waiting for the one before", async () => {
    const world = new ClientWorld();
    const connection = await world.open();
    let go = (): void => {};
    world.serving.driver.stuck = new Promise((resolve) => {
      go = resolve;
    });
    world.serving.driver.define("hello");
    const domain = await world.settle(connection.domain("hello"));
    const slow = domain.getMessages();
    assert.equal(await world.settle(connection.getHostname()), "fakehost");
    go();
    assert.deepEqual(await world.settle(slow), []);
  });

  test("refuses arguments that the row does not have", async () => {
    const world = new ClientWorld();
    const connection = await world.open();
    world.serving.driver.define("hello");
    const domain = await world.settle(connection.domain("hello"));
    // @ts-expect-error -- it is called disk
    const asked = domain.blockResize({ disc: "vda", size: 1n });
    await assert.rejects(world.settle(asked), /no argument "disc"; there are: disk, size/);
  });
});

suite("a connection", () => {
  test("that cannot be opened leaves nothing, and says why", async () => {
    const world = new ClientWorld();
    world.refusal = new Error("nobody there");
    await assert.rejects(world.settle(Connection.open(world.connector())), { message: "nobody there" });
    assert.equal(world.serving.world.loop.state, "closed");
  });

  test("is given up when the server does not answer in time", async () => {
    const world = new ClientWorld();
    world.serving.driver.opening = new Promise(() => {});
    const opening = Connection.open(world.connector(), { openTimeoutMs: 1_000, keepalive: "off" });
    await world.rest();
    world.serving.world.pass(1_100);
    await assert.rejects(world.settle(opening), { code: ErrorCode.operationTimeout });
  });

  test("ends calls that are under way when it is closed, and takes none afterwards", async () => {
    const world = new ClientWorld();
    const connection = await world.open();
    world.serving.driver.stuck = new Promise(() => {});
    world.serving.driver.define("hello");
    const domain = await world.settle(connection.domain("hello"));
    const waiting = domain.getMessages();
    await world.rest();
    const closed = connection.close();
    await assert.rejects(world.settle(waiting), /the connection ended/);
    await world.settle(closed);
    await assert.rejects(connection.getHostname(), { name: "StateError" });
    await connection.close();
  });

  test("that is lost fails its calls, those made later too", async () => {
    const world = new ClientWorld();
    const connection = await world.open();
    world.cut();
    assert.equal(connection.state, "lost");
    await assert.rejects(world.settle(connection.getHostname()), { code: ErrorCode.internalError });
  });

  test("opens again where that was asked for, and calls wait for it", async () => {
    const world = new ClientWorld();
    const connection = await world.open({ reconnect: true });
    world.serving.driver.define("hello");
    const domain = await world.settle(connection.domain("hello"));
    world.refusal = new Error("not yet");
    world.cut();
    const waiting = domain.status();
    await world.rest();
    world.refusal = undefined;
    for (let rounds = 0; rounds < 5; rounds++) {
      world.serving.world.pass(200);
      await world.rest();
    }
    assert.deepEqual(await world.settle(waiting), { state: "shutoff", reason: "unknown" });
    assert.equal(connection.state, "open");
  });

  test("that is opened again is waited for as long as the call may take, and no longer", async () => {
    const world = new ClientWorld();
    const connection = await world.open({ reconnect: true, timeoutMs: 2_000 });
    world.refusal = new Error("not yet");
    world.cut();
    const ends: string[] = [];
    const noted = (name: string) => (error: { code: number }) =>
      void ends.push(`${name} ${error.code === ErrorCode.operationTimeout ? "late" : error.code}`);
    connection.getHostname({ timeoutMs: 1_000 }).catch(noted("own"));
    connection.getHostname().catch(noted("connection's"));
    connection.monitorEvents().ready.catch(() => {});
    connection.attachQemu(1, { timeoutMs: 1_500 }).catch(noted("beside"));
    const heard: string[][] = [];
    for (let rounds = 0; rounds < 4; rounds++) {
      for (let steps = 0; steps < 5; steps++) {
        world.serving.world.pass(100);
        await world.rest();
      }
      heard.push([...ends]);
    }
    assert.deepEqual(heard, [
      [],
      ["own late"],
      ["own late", "beside late"],
      ["own late", "beside late", "connection's late"],
    ]);
  });

  test("gives opening again up after its time", async () => {
    const world = new ClientWorld();
    const connection = await world.open({ reconnect: true, reconnectMs: 1_000 });
    world.refusal = new Error("never");
    world.cut();
    const waiting = connection.getHostname();
    waiting.catch(() => {});
    for (let rounds = 0; rounds < 20; rounds++) {
      world.serving.world.pass(200);
      await world.rest();
    }
    await assert.rejects(waiting, { code: ErrorCode.internalError, message: /cannot be opened again: never/ });
  });

  test("leaves nothing when it is closed at any moment of being opened again", async () => {
    for (let moment = 0; moment < 80; moment++) {
      const world = new ClientWorld();
      const connection = await world.open({ reconnect: true });
      world.cut();
      connection.getHostname().catch(() => {});
      let isClosed = false;
      for (let rounds = 0; rounds < 160; rounds++) {
        // Between two promises of one turn too.
        if (rounds === 2 * moment || (rounds === 2 * moment + 1 && !isClosed)) {
          isClosed = true;
          void connection.close().catch(() => {});
        }
        if (rounds % 3 === 0) world.serving.world.run();
        await Promise.resolve();
      }
      await world.rest();
      assert.equal(connection.state, "closed", `moment ${moment}`);
      assert.equal(world.serving.daemon.size, 0, `moment ${moment}`);
    }
  });
});
