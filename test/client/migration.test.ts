import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { ConnectionOptions, Domain } from "../../src/client/index.ts";
import { ErrorCode, ErrorDomain, Feature, type TypedParam, VirError } from "../../src/protocol/index.ts";
import { ClientWorld } from "./client-world.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (given: Uint8Array): string => Buffer.from(given).toString();

interface Migrating {
  readonly dom?: unknown;
  readonly params: readonly TypedParam[];
  readonly cookieIn?: Uint8Array;
  readonly flags: number;
  readonly cancelled?: number;
  readonly dconnuri?: string | null;
}

const failed = (detail: string): VirError => VirError.of(ErrorCode.operationFailed, ErrorDomain.qemu, detail);

/** A hypervisor from which and to which a guest goes, and what it was asked on the way. */
async function setUp(
  features: readonly number[] = [Feature.migrationParams, Feature.migrateChangeProtection],
  options: ConnectionOptions = {},
) {
  const world = new ClientWorld();
  for (const feature of features) world.serving.driver.features.add(feature);
  const source = await world.open(options);
  const destination = await world.open(options);
  world.serving.driver.define("guest");
  const guest: Domain = await world.settle(source.domain("guest"));
  const heard: string[] = [];
  const told: Migrating[] = [];
  const failing = new Map<string, () => Promise<unknown>>();
  const answers: { uriOut: string | null } = { uriOut: "tcp:there:49152" };
  const step = async (name: string, args: Migrating): Promise<void> => {
    const words = [name, text(args.cookieIn ?? bytes("")), args.cancelled === 1 ? "cancelled" : ""];
    heard.push(words.filter((word) => word !== "").join(" "));
    told.push(args);
    await failing.get(name)?.();
  };
  Object.assign(world.serving.driver.procedures, {
    domainMigrateBegin3Params: async (args: Migrating) => {
      await step("begin", args);
      return { cookieOut: bytes("a"), xml: "<domain/>" };
    },
    domainMigratePrepare3Params: async (args: Migrating) => {
      await step("prepare", args);
      return { cookieOut: bytes("b"), uriOut: answers.uriOut };
    },
    domainMigratePerform3Params: async (args: Migrating) => {
      await step("perform", args);
      return { cookieOut: bytes("c") };
    },
    domainMigrateFinish3Params: async (args: Migrating) => {
      await step("finish", args);
      const { name, uuid } = guest;
      return { dom: { name, uuid, id: 7 }, cookieOut: bytes("d") };
    },
    domainMigrateConfirm3Params: (args: Migrating) => step("confirm", args),
    domainAbortJob: () => void heard.push("abort"),
  });
  return { world, destination, guest, heard, told, failing, answers };
}

const valueOf = ({ params }: Migrating, name: string): unknown =>
  params.find(({ field }) => field === name)?.value.value;

suite("a domain that migrates", () => {
  test("is begun, prepared, sent, finished and confirmed, each with what the step before has said", async () => {
    const { world, destination, guest, heard, told } = await setUp();
    const arrived = await world.settle(guest.migrate(destination, { flags: "live", name: "other", bandwidth: 5 }));
    assert.deepEqual(heard, ["begin", "prepare a", "perform b", "finish c", "confirm d"]);
    assert.deepEqual([arrived.name, arrived.id, arrived.connection === destination], ["guest", 7, true]);
    assert.deepEqual(
      told.map((each) => [valueOf(each, "destination_name"), valueOf(each, "migrate_uri")]),
      [
        ["other", undefined],
        ["other", undefined],
        ["other", "tcp:there:49152"],
        ["other", "tcp:there:49152"],
        ["other", "tcp:there:49152"],
      ],
    );
    assert.equal(valueOf(told[1] as Migrating, "destination_xml"), "<domain/>");
    assert.equal(valueOf(told[0] as Migrating, "bandwidth"), 5n);
    const [live, changeProtection] = [1, 256];
    const ofSource = live | changeProtection;
    assert.deepEqual(
      told.map(({ flags }) => flags),
      [ofSource, live, ofSource, live, ofSource],
    );
  });

  test("is told by libvirt's names what has an option of its own, too", async () => {
    const { world, destination, guest, told } = await setUp();
    const params = { bandwidth: 5, destination_name: "other", migrate_uri: "tcp:elsewhere" };
    await world.settle(guest.migrate(destination, { params, name: "mine" }));
    const [begin] = told;
    const names = ["bandwidth", "destination_name", "migrate_uri"];
    assert.deepEqual(
      names.map((name) => valueOf(begin as Migrating, name)),
      [5n, "mine", "tcp:elsewhere"],
    );
  });

  test("is waited for however long a step takes", async () => {
    const features = [Feature.migrationParams, Feature.migrationPeerToPeer];
    const { world, destination, guest, heard, failing } = await setUp(features, { timeoutMs: 100 });
    const slow = async (): Promise<void> => {
      await Promise.resolve();
      world.serving.world.pass(1_000);
    };
    for (const name of ["begin", "prepare", "perform", "finish", "confirm"]) failing.set(name, slow);
    await world.settle(guest.migrate(destination, { timeoutMs: 50 }));
    assert.deepEqual(heard, ["begin", "prepare a", "perform b", "finish c", "confirm d"]);
    await world.settle(guest.migrateToUri("qemu+tls://there/system", { flags: "peer2peer", timeoutMs: 50 }));
  });

  test("is not to run there when it stands still once the source holds it", async () => {
    const { world, destination, guest, told, failing } = await setUp([Feature.migrationParams]);
    await world.settle(guest.create());
    failing.set("begin", () => guest.suspend());
    await world.settle(guest.migrate(destination));
    const paused = 32;
    assert.deepEqual(
      told.map(({ flags }) => flags),
      [0, paused, paused, paused, paused],
    );
  });

  test("stays where the destination cannot take it, and the source is told", async () => {
    const { world, destination, guest, heard, failing } = await setUp();
    failing.set("prepare", () => Promise.reject(failed("no room")));
    await assert.rejects(world.settle(guest.migrate(destination)), { message: /no room/ });
    assert.deepEqual(heard, ["begin", "prepare a", "confirm cancelled"]);
  });

  test("stays when sending fails, and the destination is told", async () => {
    const { world, destination, guest, heard, failing } = await setUp();
    failing.set("perform", () => Promise.reject(failed("cut")));
    await assert.rejects(world.settle(guest.migrate(destination)), { message: /cut/ });
    assert.deepEqual(heard, ["begin", "prepare a", "perform b", "finish cancelled"]);
  });

  test("runs on at the source when it does not begin at the destination", async () => {
    const { world, destination, guest, heard, failing } = await setUp();
    failing.set("finish", () => Promise.reject(failed("did not start")));
    await assert.rejects(world.settle(guest.migrate(destination)), { message: /did not start/ });
    assert.deepEqual(heard, ["begin", "prepare a", "perform b", "finish c", "confirm cancelled"]);
  });

  test("has arrived though the source fails to take leave of it", async () => {
    const { world, destination, guest, heard, failing } = await setUp();
    failing.set("confirm", () => Promise.reject(failed("still here")));
    assert.equal((await world.settle(guest.migrate(destination))).id, 7);
    assert.deepEqual(heard, ["begin", "prepare a", "perform b", "finish c", "confirm d"]);
  });

  test("has its job aborted with the signal, and rejects with the signal's reason", async () => {
    const { world, destination, guest, heard, failing } = await setUp();
    const giveUp = new AbortController();
    const reason = new Error("enough");
    failing.set("perform", async () => {
      giveUp.abort(reason);
      await world.rest();
      throw failed("operation aborted");
    });
    await assert.rejects(world.settle(guest.migrate(destination, { signal: giveUp.signal })), reason);
    assert.deepEqual(heard, ["begin", "prepare a", "perform b", "abort", "finish cancelled"]);
  });

  test("is aborted though its job had not begun yet when that was wished", async () => {
    const { world, destination, guest, heard, failing } = await setUp();
    const giveUp = new AbortController();
    const reason = new Error("enough");
    const answered = Promise.withResolvers<void>();
    let aborts = 0;
    Object.assign(world.serving.driver.procedures, {
      domainAbortJob: () => {
        if (++aborts === 1) throw VirError.of(ErrorCode.operationInvalid, ErrorDomain.qemu, "no job is active");
        answered.resolve();
      },
    });
    failing.set("perform", async () => {
      giveUp.abort(reason);
      await answered.promise;
      throw failed("operation aborted");
    });
    const moving = guest.migrate(destination, { signal: giveUp.signal });
    moving.catch(() => {});
    await world.rest();
    assert.equal(aborts, 1);
    world.serving.world.pass(5_000);
    await assert.rejects(world.settle(moving), reason);
    assert.deepEqual(heard, ["begin", "prepare a", "perform b", "finish cancelled"]);
    world.serving.world.pass(60_000);
    await world.rest();
    assert.equal(aborts, 2);
  });

  test("is called off on both sides when the signal is aborted before it is sent", async () => {
    for (const flags of ["live", "offline"] as const) {
      const { world, destination, guest, heard, failing } = await setUp([
        Feature.migrationParams,
        Feature.migrationOffline,
      ]);
      const giveUp = new AbortController();
      const reason = new Error("enough");
      failing.set("prepare", async () => giveUp.abort(reason));
      await assert.rejects(world.settle(guest.migrate(destination, { flags, signal: giveUp.signal })), reason);
      assert.deepEqual(heard, ["begin", "prepare a", "finish cancelled", "confirm cancelled"]);
    }
  });

  test("is called off on both sides when nobody says where it is to go", async () => {
    const { world, destination, guest, heard, answers } = await setUp();
    answers.uriOut = null;
    await assert.rejects(world.settle(guest.migrate(destination)), { message: /did not set uri/ });
    assert.deepEqual(heard, ["begin", "prepare a", "finish cancelled", "confirm cancelled"]);
  });

  test("is not begun where a side cannot", async () => {
    const { world, destination, guest, heard } = await setUp([]);
    await assert.rejects(world.settle(guest.migrate(destination)), {
      code: ErrorCode.noSupport,
      message: "this function is not supported by the connection driver: virDomainMigrate3",
    });
    await assert.rejects(world.settle(guest.migrate(destination, { flags: "peer2peer" })), {
      code: ErrorCode.invalidArg,
    });
    await assert.rejects(world.settle(guest.migrate(destination, { flags: "offline" })), {
      code: ErrorCode.argumentUnsupported,
      message: /not supported by the source host/,
    });
    assert.deepEqual(heard, []);
  });

  test("takes no cookie to the end when nothing is sent", async () => {
    const { world, destination, guest, heard } = await setUp([Feature.migrationParams, Feature.migrationOffline]);
    await world.settle(guest.migrate(destination, { flags: ["offline", "persistDest"] }));
    assert.deepEqual(heard, ["begin", "prepare a", "finish", "confirm d"]);
  });

  test("is sent by the source alone to a daemon that it reaches itself", async () => {
    const { world, guest, heard, told } = await setUp([Feature.migrationParams, Feature.migrationPeerToPeer]);
    const flags = ["peer2peer", "live"] as const;
    await world.settle(
      guest.migrateToUri("qemu+tls://there/system", { flags, params: { migrate_disks: ["vda", "vdb"] } }),
    );
    assert.deepEqual(heard, ["perform"]);
    assert.equal(told[0]?.dconnuri, "qemu+tls://there/system");
    assert.deepEqual(
      told[0].params.map(({ field, value }) => [field, value.value]),
      [
        ["migrate_disks", "vda"],
        ["migrate_disks", "vdb"],
      ],
    );
  });

  test("does not go to the daemon where it is; another socket of the same machine is another daemon", async () => {
    const { world, guest, heard } = await setUp([Feature.migrationParams, Feature.migrationPeerToPeer]);
    const flags = ["peer2peer", "live"] as const;
    const here = [
      "qemu:///system",
      "qemu+tcp://localhost/system",
      "qemu+unix:///session",
      "unix:///x?socket=/y",
      "foo",
    ];
    const message = "Attempt to migrate guest to the same host";
    for (const uri of here)
      await assert.rejects(world.settle(guest.migrateToUri(uri, { flags })), { code: ErrorCode.invalidArg, message });
    for (const uri of ["+unix:///session?socket=/x", "[::1"])
      await assert.rejects(world.settle(guest.migrateToUri(uri, { flags })), { message: /Unable to parse URI/ });
    assert.deepEqual(heard, []);
    const there = ["qemu+unix:///session?socket=/y", "test+unix:///x?mode=legacy&socket=/y", "qemu+tcp://[::1]/system"];
    for (const uri of there) await world.settle(guest.migrateToUri(uri, { flags }));
    assert.deepEqual(heard, ["perform", "perform", "perform"]);
  });
});
