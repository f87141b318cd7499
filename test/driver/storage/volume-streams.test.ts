import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import type { HostPool } from "../../../src/driver/storage/host-pool.ts";
import type { HostPools } from "../../../src/driver/storage/host-pools.ts";
import type { HostVolumes } from "../../../src/driver/storage/host-volumes.ts";
import { remote } from "../../../src/protocol/index.ts";
import { serve } from "../../rpc/ends.ts";
import { bytesOf, packet } from "../../rpc/packets.ts";
import { World } from "../../rpc/world.ts";
import { openPools, poolXml } from "./open-pools.ts";

const all = { offset: 0n, length: 0n, sparse: false };
const rows = remote.procedures;

suite("a volume whose data goes through a stream", () => {
  let directory: string;
  let world: World;
  let reported: unknown[];
  let pools: HostPools;
  let volumes: HostVolumes;
  let pool: HostPool;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "vw-volume-"));
    world = new World();
    reported = [];
    ({ pools, volumes } = await openPools(directory, { loop: world.loop, report: (error) => reported.push(error) }));
    await pools.create(poolXml(join(directory, "images")), true, {});
    pool = pools.byName("p");
    await volumes.create(
      pool,
      "<volume><name>a</name><capacity>4</capacity></volume>",
      { preallocate: false, reflink: false },
      {},
    );
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
    assert.deepEqual([...world.errors, ...reported], []);
  });

  /** Lets everything happen that can happen now; what has begun with files may go on. */
  async function settle(): Promise<void> {
    for (let rounds = 0; rounds < 40; rounds++) {
      world.run();
      await stat(directory);
      await new Promise(setImmediate);
    }
  }

  interface Outcome {
    /** "ok", or why not; undefined: not yet. */
    result: string | undefined;
  }

  function watch(promise: Promise<unknown>): Outcome {
    const outcome: Outcome = { result: undefined };
    promise.then(
      () => Object.assign(outcome, { result: "ok" }),
      (error: Error) => Object.assign(outcome, { result: error.message }),
    );
    return outcome;
  }

  /** How it ends; no time passes meanwhile. */
  async function end(outcome: Outcome): Promise<string> {
    for (let rounds = 0; rounds < 100 && outcome.result === undefined; rounds++) await settle();
    return outcome.result ?? "still waiting";
  }

  /** A client has opened a stream to a volume, or from it. */
  async function begin(name: "storageVolUpload" | "storageVolDownload") {
    const { server, client, calls } = serve(world);
    const args = { vol: { pool: "p", name: "a", key: "" }, offset: 0n, length: 0n, flags: 0 };
    const id = { procedure: rows[name].number, serial: 5 };
    client.send<unknown>(id, rows[name].args, args);
    world.run();
    const stream = (calls[0] ?? assert.fail()).openStream(rows[name], args, {});
    const found = await volumes.look({ pool: "p", name: "a" });
    const upload = name === "storageVolUpload";
    const served = watch(upload ? volumes.upload(found, all, stream) : volumes.download(found, all, stream));
    await settle();
    return { server, client, id, served };
  }

  test("is nobody's as soon as its client aborts the upload, or is gone", async () => {
    for (const how of ["abort", "gone"]) {
      const { client, id, server } = await begin("storageVolUpload");
      const wiped = watch(volumes.wipe(pool, "a", {}));
      await settle();
      assert.equal(wiped.result, undefined, "its data is still coming");
      if (how === "abort") client.transport.send(packet.abort(id));
      else client.transport.close();
      assert.equal(await end(wiped), "ok", how);
      server.close();
    }
  });

  test("is waited for while its data comes, and no longer when its client has fallen silent", async () => {
    const { client, id, served } = await begin("storageVolUpload");
    const removed = watch(volumes.remove(pool, "a", {}));
    const stopped = watch(pools.stop(pool, {}));
    for (let seconds = 0; seconds < 20; seconds += 4) {
      client.transport.send(packet.data(id, bytesOf("data")));
      await settle();
      world.pass(4_000);
      await settle();
    }
    assert.deepEqual([removed.result, stopped.result], [undefined, undefined]);
    world.pass(5_001);
    assert.deepEqual([await end(removed), await end(stopped)], ["ok", "ok"]);
    assert.deepEqual(readdirSync(join(directory, "images")), []);
    assert.equal(served.result, undefined, "who forgets a stream may remember it");
    client.transport.send(packet.finish(id));
    assert.deepEqual([await end(served), pool.volumes.length], ["ok", 0], "nor does the end bring it back");
  });

  test("whose client was silent for long still gets what comes then", async () => {
    const { client, id, served } = await begin("storageVolUpload");
    world.pass(60_000);
    client.transport.send(packet.data(id, bytesOf("late")));
    client.transport.send(packet.finish(id));
    assert.deepEqual([await end(served), readFileSync(join(directory, "images/a"), "utf8")], ["ok", "late"]);
  });

  test("keeps its pool from nothing while it is sent to a client that does not read", async () => {
    const { client, served } = await begin("storageVolDownload");
    const stopped = watch(pools.stop(pool, {}));
    assert.deepEqual([await end(stopped), served.result], ["ok", undefined]);
    client.transport.close();
    assert.notEqual(await end(served), "ok");
  });
});
