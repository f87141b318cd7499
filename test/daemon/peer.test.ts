import assert from "node:assert/strict";
import { fstatSync, openSync } from "node:fs";
import { describe, it } from "node:test";
import { ErrorCode, MessageType, remote, type WireError } from "../../src/protocol/index.ts";
import { encode, rest, uint } from "../../src/xdr/index.ts";
import { nothing, type RawEnd } from "../rpc/world.ts";
import { Serving } from "./serving.ts";

const rows = remote.procedures;
const fake = "fake:///default";
const missing = { name: "gone", uuid: "00000000-0000-4000-8000-000000000000", id: -1 };

function brief(error: WireError | undefined): unknown[] {
  return [error?.code, error?.domain, error?.message];
}

/** A byte-level client whose hypervisor connection is open. */
async function openRaw(serving: Serving, flags = 0): Promise<RawEnd> {
  const raw = serving.raw();
  assert.equal(await serving.ask(raw, { procedure: 1 }, rows.connectOpen.args, { name: fake, flags }), undefined);
  return raw;
}

describe("a message that is wrong in itself", () => {
  const cases: [string, Parameters<RawEnd["send"]>[0], string][] = [
    ["an unknown program", { program: 77, procedure: 1 }, "Cannot find program 77 version 1"],
    ["an unknown version", { version: 2, procedure: 1 }, "Cannot find program 536903814 version 2"],
    ["a keepalive as a call", { program: 0x6b65_6570, procedure: 1 }, "Cannot find program 1801807216 version 1"],
    ["an unknown number", { procedure: 9_999 }, "unknown procedure: 9999"],
    ["a negative number", { procedure: -1 }, "unknown procedure: -1"],
    ["the number of an event", { procedure: 107 }, "unknown procedure: 107"],
    ["a status", { procedure: 3, status: 1 }, "Unexpected message status 1"],
    ["arguments cut short", { procedure: 1 }, "Unable to decode message payload"],
  ];
  for (const [what, header, message] of cases) {
    it(`is answered as libvirt does: ${what}`, async () => {
      const serving = new Serving();
      const error = await serving.ask(serving.raw(), header);
      assert.deepEqual(brief(error), [ErrorCode.rpc, 7, message]);
      assert.deepEqual([error?.level, error?.str1, error?.str2, error?.int1], [2, "%s", message, -1]);
    });
  }

  it("does not end the connection", async () => {
    const serving = new Serving();
    const raw = await openRaw(serving);
    await serving.ask(raw, { procedure: 23 }, uint, 1_000_000);
    assert.equal(await serving.ask(raw, { procedure: 3 }), undefined);
  });

  it("may carry more bytes than its arguments have", async () => {
    const serving = new Serving();
    assert.equal(await serving.ask(await openRaw(serving), { procedure: 3 }, uint, 5), undefined);
  });
});

describe("before the hypervisor connection is open", () => {
  const notOpen = [ErrorCode.internalError, 7, "internal error: hypervisor connection not open"];

  for (const procedure of [3, 59, 110, 149, 157, 360, 105, 52, 71]) {
    it(`procedure ${procedure} is refused`, async () => {
      const serving = new Serving();
      assert.deepEqual(brief(await serving.ask(serving.raw(), { procedure })), notOpen);
    });
  }

  it("the keepalive feature can be asked for, and no other", async () => {
    const serving = new Serving();
    const { call } = serving.connect();
    assert.deepEqual(await serving.settle(call.connectSupportsFeature({ feature: 10 })), { supported: 1 });
    await assert.rejects(serving.settle(call.connectSupportsFeature({ feature: 14 })), {
      message: notOpen[2] as string,
    });
  });

  it("the connection can be closed", async () => {
    const serving = new Serving();
    const { call, closed } = serving.connect();
    await serving.settle(call.connectClose({}));
    assert.deepEqual(closed, [undefined]);
    assert.equal(serving.daemon.size, 0);
  });
});

describe("opening the hypervisor connection", () => {
  it("takes the URI's driver", async () => {
    const serving = new Serving();
    const { call } = await serving.open();
    assert.deepEqual(await serving.settle(call.connectGetUri({})), { uri: fake });
    assert.deepEqual(await serving.settle(call.connectGetType({})), { type: "Fake" });
    assert.deepEqual(await serving.settle(call.connectIsSecure({})), { secure: 1 });
    assert.deepEqual(await serving.settle(call.connectGetLibVersion({})), { libVer: 9_000_000n });
    await serving.settle(call.connectRegisterCloseCallback({}));
    await serving.settle(call.connectUnregisterCloseCallback({}));
  });

  it("may take its time, and is refused a second time meanwhile", async () => {
    const serving = new Serving();
    let open = (): void => {};
    serving.driver.opening = new Promise((resolve) => {
      open = resolve;
    });
    const { call } = serving.connect();
    const opening = call.connectOpen({ name: fake, flags: 0 });
    await assert.rejects(serving.settle(call.connectOpen({ name: fake, flags: 0 })), { message: /already open/ });
    await assert.rejects(serving.settle(call.connectGetType({})), { message: /connection not open/ });
    open();
    await serving.settle(opening);
    assert.deepEqual(await serving.settle(call.connectGetType({})), { type: "Fake" });
  });

  it("that fails can be tried again", async () => {
    const serving = new Serving();
    const { call } = serving.connect();
    serving.driver.opening = Promise.reject(new Error("no disk"));
    await assert.rejects(serving.settle(call.connectOpen({ name: fake, flags: 0 })), { message: /no disk/ });
    serving.driver.opening = undefined;
    await serving.settle(call.connectOpen({ name: fake, flags: 0 }));
    assert.equal(serving.driver.holds, 1);
  });

  it("holds the hypervisor until the connection ends, be that while it opens", async () => {
    const serving = new Serving();
    const first = await serving.open();
    assert.equal(serving.driver.holds, 1);
    first.connection.close();
    serving.world.run();
    assert.equal(serving.driver.holds, 0);
    let open = (): void => {};
    serving.driver.opening = new Promise((resolve) => {
      open = resolve;
    });
    const { connection, call } = serving.connect();
    const opening = call.connectOpen({ name: fake, flags: 0 }).catch(() => {});
    serving.world.run();
    connection.close();
    serving.world.run();
    open();
    await serving.settle(opening);
    await serving.settle(Promise.resolve());
    assert.equal(serving.driver.holds, 0);
  });

  it("ignores flags that are the client's own", async () => {
    const serving = new Serving();
    const { call } = await serving.open({}, 6);
    serving.driver.define("hello");
    await serving.settle(call.domainDefineXml({ xml: "<name>x</name>" }));
  });

  it("answers a URI that is nobody's", async () => {
    const serving = new Serving();
    const { call } = serving.connect();
    await assert.rejects(serving.settle(call.connectOpen({ name: "xen:///system", flags: 0 })), {
      code: ErrorCode.noConnect,
      domain: 0,
      message: "no connection driver available for xen:///system",
    });
  });

  it("refuses an absent name, and a second opening, which leaves the first as it is", async () => {
    const serving = new Serving();
    const { call } = serving.connect();
    await assert.rejects(serving.settle(call.connectOpen({ name: null, flags: 0 })), {
      message: "internal error: connection not open",
    });
    await serving.settle(call.connectOpen({ name: fake, flags: 0 }));
    await assert.rejects(serving.settle(call.connectOpen({ name: fake, flags: 0 })), {
      code: ErrorCode.internalError,
      message: "internal error: connection already open",
    });
    assert.deepEqual(await serving.settle(call.connectGetUri({})), { uri: fake });
  });

  it("says which features the wire has, and which the driver", async () => {
    const serving = new Serving();
    const { call } = await serving.open();
    const supported: number[] = [];
    for (let feature = 0; feature < 20; feature++) {
      const answer = await serving.settle(call.connectSupportsFeature({ feature }));
      if (answer.supported === 1) supported.push(feature);
    }
    assert.deepEqual(supported, [9, 10, 11, 14, 15, 16]);
  });
});

describe("a socket that asks for credentials", () => {
  const stranger = { auth: "credentials", identity: { uid: 12_345, gid: 1, pid: 1 } } as const;
  const root = { auth: "credentials", identity: { uid: 0, gid: 0, pid: 1 } } as const;

  it("refuses every call but those that authenticate", async () => {
    const serving = new Serving();
    const raw = serving.raw(root);
    for (const procedure of [1, 2, 3, 60, 38]) {
      const error = await serving.ask(raw, { procedure });
      assert.deepEqual(brief(error), [ErrorCode.rpc, 7, "authentication required"], String(procedure));
    }
    assert.equal((await serving.ask(raw, { procedure: 9_999 }))?.message, "unknown procedure: 9999");
  });

  it("lets root in when it asks how, again and again", async () => {
    const serving = new Serving();
    const { call } = serving.connect(root);
    assert.deepEqual(await serving.settle(call.authList({})), { types: [0] });
    assert.deepEqual(await serving.settle(call.authList({})), { types: [0] });
    await serving.settle(call.connectOpen({ name: fake, flags: 0 }));
  });

  it("refuses strangers, and those whom the transport does not know, with the reason", async () => {
    for (const origin of [stranger, { auth: "credentials" } as const]) {
      const serving = new Serving();
      const { call } = serving.connect(origin);
      await assert.rejects(serving.settle(call.authList({})), {
        code: ErrorCode.authFailed,
        message: /^authentication failed: user (12345|unknown) may not use this socket: only root/,
      });
    }
  });

  it("has no other way to authenticate", async () => {
    const serving = new Serving();
    for (const procedure of [67, 70]) {
      const error = await serving.ask(serving.raw(stranger), { procedure });
      assert.deepEqual(brief(error), [45, 7, "authentication failed: authentication failed"]);
    }
  });
});

describe("a read-only connection", () => {
  const ofDomain = encode(rows.domainGetState.args, { dom: missing, flags: 0 });
  const ofSnapshot = encode(rows.domainSnapshotDelete.args, { snap: { name: "first", dom: missing }, flags: 0 });
  const denied: [number, number, string, Uint8Array][] = [
    [9, 20, "virDomainCreate", ofDomain],
    [11, 20, "virDomainDefineXML", ofDomain],
    [39, 19, "virNetworkCreate", ofDomain],
    [193, 35, "virDomainSnapshotDelete", ofSnapshot],
  ];
  for (const [procedure, domain, api, args] of denied) {
    it(`is refused ${api}, implemented or not`, async () => {
      const serving = new Serving();
      const raw = await openRaw(serving, 1);
      const error = await serving.ask(raw, { procedure }, rest, args);
      assert.deepEqual(brief(error), [29, domain, `operation forbidden: read only access prevents ${api}`]);
    });
  }

  it("reads, lists and listens", async () => {
    const serving = new Serving();
    const dom = serving.driver.define("hello");
    const { call } = await serving.open({}, 1);
    assert.equal((await serving.settle(call.connectListAllDomains({ needResults: 1, flags: 0 }))).ret, 1);
    assert.equal((await serving.settle(call.domainGetState({ dom, flags: 0 }))).state, 5);
    await serving.settle(call.connectDomainEventCallbackRegisterAny({ eventId: 0, dom: null }));
  });

  it("may not ask for what needs more than reading", async () => {
    const serving = new Serving();
    const dom = serving.driver.define("hello");
    const { call } = await serving.open({}, 1);
    await serving.settle(call.domainGetXmlDesc({ dom, flags: 2 }));
    for (const flags of [1, 8, 3]) {
      await assert.rejects(serving.settle(call.domainGetXmlDesc({ dom, flags })), {
        code: 29,
        message: "operation forbidden: virDomainGetXMLDesc with secure flag",
      });
    }
    await assert.rejects(serving.settle(call.domainGetVcpusFlags({ dom, flags: 8 })), {
      code: 29,
      message: "operation forbidden: read only access prevents virDomainGetVcpusFlags",
    });
  });

  it("is what a read-only socket gives, whatever the flags say", async () => {
    const serving = new Serving();
    const { call } = await serving.open({ readOnly: true }, 0);
    await assert.rejects(serving.settle(call.domainDefineXml({ xml: "" })), { code: 29 });
  });
});

describe("a call to the driver", () => {
  it("that it does not have is answered with libvirt's own error", async () => {
    const serving = new Serving();
    const dom = serving.driver.define("hello");
    const raw = await openRaw(serving);
    const cases: [number, number, string, Uint8Array][] = [
      [33, 20, "virDomainShutdown", encode(rows.domainShutdown.args, { dom })],
      [8, 20, "virDomainAttachDevice", encode(rows.domainAttachDevice.args, { dom, xml: "<disk/>" })],
      [52, 19, "virConnectNumOfNetworks", new Uint8Array()],
      [
        244,
        35,
        "virDomainSnapshotGetParent",
        encode(rows.domainSnapshotGetParent.args, { snap: { name: "first", dom }, flags: 0 }),
      ],
    ];
    for (const [procedure, domain, api, args] of cases) {
      const error = await serving.ask(raw, { procedure }, rest, args);
      const message = `this function is not supported by the connection driver: ${api}`;
      assert.deepEqual(brief(error), [3, domain, message]);
    }
  });

  it("that fails reaches the client as it is", async () => {
    const serving = new Serving();
    const { call } = await serving.open();
    await assert.rejects(serving.settle(call.domainGetState({ dom: missing, flags: 0 })), {
      code: 42,
      domain: 12,
      message: `Domain not found: no domain with matching uuid '${missing.uuid}'`,
    });
  });

  it("that breaks is an internal error, and a line in the log", async () => {
    const serving = new Serving();
    const { call } = await serving.open();
    await assert.rejects(serving.settle(call.domainIsUpdated({ dom: missing })), {
      code: ErrorCode.internalError,
      message: "internal error: the fake driver fell over",
    });
    const [entry] = serving.log.filter(({ level }) => level === "error");
    assert.deepEqual([entry?.peer, entry?.message], [1, "domainIsUpdated failed: the fake driver fell over"]);
  });

  it("learns that nobody waits any more", async () => {
    const serving = new Serving();
    const { call, connection } = await serving.open();
    serving.driver.stuck = new Promise(() => {});
    const waiting = call.domainGetMessages({ dom: missing, flags: 0 });
    serving.world.run();
    assert.equal(serving.driver.stuckSignal?.aborted, false);
    connection.close();
    await assert.rejects(serving.settle(waiting), { name: "VirError" });
    assert.equal(serving.driver.stuckSignal?.aborted, true);
  });

  it("whose caller leaves is no fault of the daemon's", async () => {
    const serving = new Serving();
    const { call, connection } = await serving.open();
    let giveUp: (reason: unknown) => void = () => {};
    serving.driver.stuck = new Promise((_, reject) => {
      giveUp = reject;
    });
    const waiting = call.domainGetMessages({ dom: missing, flags: 0 });
    serving.world.run();
    connection.close();
    await assert.rejects(serving.settle(waiting), { name: "VirError" });
    giveUp(serving.driver.stuckSignal?.reason);
    await new Promise(setImmediate);
    assert.deepEqual(
      serving.log.filter(({ level }) => level === "error"),
      [],
    );
  });

  it("of type 4 is a call like any other", async () => {
    const serving = new Serving();
    const raw = await openRaw(serving);
    raw.send({ procedure: 3, type: MessageType.callWithFds }, uint, 1);
    raw.transport.send(new Uint8Array(1));
    serving.world.run();
    assert.equal(raw.take().length, 1);
  });
});

describe("a client that promises to answer pings", () => {
  it("is asked for signs of life, and dropped when it gives none", async () => {
    const serving = new Serving();
    const raw = await openRaw(serving);
    assert.equal(
      await serving.ask(raw, { procedure: 60 }, rows.connectSupportsFeature.args, { feature: 10 }),
      undefined,
    );
    serving.world.pass(29_999);
    assert.equal(raw.take().length, 5);
    assert.equal(raw.closed, undefined);
    serving.world.pass(1);
    assert.deepEqual(raw.closed, { cause: undefined });
    const [entry] = serving.log.filter(({ level }) => level === "warn");
    assert.equal(entry?.message, "dropped: keepalive: the peer has been silent for 30000 ms");
  });
});

describe("a client that opens no hypervisor", () => {
  const warnings = ({ log }: Serving): string[] =>
    log.filter(({ level }) => level === "warn").map(({ message }) => message);

  it("is dropped after a while, whatever it says meanwhile", async () => {
    const serving = new Serving({ limits: { openWithinMs: 1_000 } });
    const raw = serving.raw();
    serving.world.pass(900);
    assert.equal(await serving.ask(raw, { procedure: 66 }, rows.authList.args, {}), undefined);
    serving.world.pass(99);
    assert.equal(serving.daemon.size, 1);
    serving.world.pass(1);
    assert.deepEqual(raw.closed, { cause: undefined });
    assert.deepEqual(warnings(serving), ["dropped: no hypervisor was opened within 1000 ms"]);
    assert.equal(serving.world.loop.size, 0);
  });

  it("may not send long messages; one that has opened may", async () => {
    const long = { name: "x".repeat(300_000), flags: 0 };
    const serving = new Serving();
    const [stranger, friend] = [serving.raw(), await openRaw(serving)];
    for (const raw of [stranger, friend]) raw.send({ procedure: 1 }, rows.connectOpen.args, long);
    serving.world.run();
    assert.deepEqual(warnings(serving), ["dropped: a message length of 300040, it goes from 28 to 262144"]);
    assert.equal(friend.take().length, 1);
    assert.equal(serving.daemon.size, 1);
  });

  it("is given the time that the hypervisor takes", async () => {
    const serving = new Serving({ limits: { openWithinMs: 1_000 } });
    let ready = (): void => {};
    serving.driver.opening = new Promise((resolve) => {
      ready = resolve;
    });
    const client = serving.connect();
    const opening = client.call.connectOpen({ name: fake, flags: 0 });
    serving.world.pass(5_500);
    ready();
    await serving.settle(opening);
    serving.world.pass(5_000);
    assert.deepEqual(client.closed, []);
  });
});

describe("a client that does not read", () => {
  it("is dropped after half a minute, with a line in the log, while others are served", async () => {
    const serving = new Serving({ keepalive: "off" });
    const raw = await openRaw(serving);
    raw.take();
    raw.transport.pause();
    for (let serial = 0; serial < 10_000; serial++)
      raw.send({ procedure: rows.connectGetType.number, serial }, nothing, {});
    const friend = await serving.open();
    serving.world.pass(29_999);
    assert.equal(serving.daemon.size, 2);
    assert.ok(await serving.settle(friend.call.connectGetHostname({})));
    serving.world.pass(1);
    assert.equal(serving.daemon.size, 1);
    const [entry, ...others] = serving.log.filter(({ level }) => level === "warn");
    const words = /^dropped: the peer does not read: \d+ bytes wait for it, and it has taken none for \d+ ms$/;
    assert.match(entry?.message ?? "", words);
    assert.deepEqual([entry?.peer, others], [1, []]);
  });
});

describe("a client that sends what makes no sense", () => {
  it("is in the log with the first of it", async () => {
    const serving = new Serving();
    const raw = await openRaw(serving);
    for (let count = 0; count < 3; count++) await serving.ask(raw, { program: 77, procedure: 1 });
    raw.send({ type: 99 }, rows.authList.args, {});
    serving.world.run();
    const messages = serving.log.filter(({ level }) => level === "warn").map(({ message }) => message);
    assert.deepEqual(messages, ["misbehaves, which is logged once: Cannot find program 77 version 1"]);
  });
});

describe("a call that opens a stream", () => {
  it("is answered, then served, then confirmed", async () => {
    const serving = new Serving();
    serving.driver.consoleText = "login: ";
    const { call } = await serving.open();
    const dom = serving.driver.define("hello");
    const { stream } = await serving.settle(call.domainOpenConsole({ dom, devName: null, flags: 0 }));
    assert.equal(Buffer.concat(await serving.settle(collect(stream))).toString(), "login: ");
    await serving.settle(stream.finish());
  });

  it("that is refused opens none", async () => {
    const serving = new Serving();
    const { call } = await serving.open();
    const opening = call.domainOpenConsole({ dom: missing, devName: null, flags: 0 });
    await assert.rejects(serving.settle(opening), { code: ErrorCode.noDomain });
  });

  it("that fails while it is served says why, after what was sent", async () => {
    const serving = new Serving();
    serving.driver.consoleText = "login: ";
    serving.driver.consoleFailure = new Error("the pty is gone");
    const { call } = await serving.open();
    const dom = serving.driver.define("hello");
    const { stream } = await serving.settle(call.domainOpenConsole({ dom, devName: null, flags: 0 }));
    await assert.rejects(serving.settle(collect(stream)), { message: "internal error: the pty is gone" });
    assert.match(serving.log.map(({ message }) => message).join("\n"), /domainOpenConsole failed: the pty is gone/);
  });
});

describe("passing descriptors", () => {
  it("is promised where the transport can", async () => {
    const serving = new Serving();
    for (const passesFds of [false, true]) {
      const { call } = await serving.open({ passesFds });
      assert.deepEqual(await serving.settle(call.connectSupportsFeature({ feature: 8 })), {
        supported: Number(passesFds),
      });
    }
  });

  it("fails where it cannot, and what was to be passed is closed", async () => {
    const serving = new Serving();
    const { call } = await serving.open();
    const fd = openSync("/dev/null", "r");
    serving.driver.graphicsFds = [fd];
    const dom = serving.driver.define("hello");
    await assert.rejects(serving.settle(call.domainOpenGraphicsFd({ dom, idx: 0, flags: 0 })), {
      code: ErrorCode.operationUnsupported,
    });
    assert.throws(() => fstatSync(fd), { code: "EBADF" });
  });
});

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}
