import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Daemon } from "../../src/daemon/index.ts";
import { TestDriver } from "../../src/driver/test/index.ts";
import { openLoop } from "../../src/os/index.ts";
import type { Cursor } from "../../src/protocol/index.ts";
import { OwnClient } from "./own-client.ts";

const directory = mkdtempSync(join(tmpdir(), "virtwright-cursor-"));

after(() => rmSync(directory, { recursive: true }));

/** Connects a client to a daemon that begins and ends around `use`, with its state in `name`. */
async function during<T>(name: string, use: (client: OwnClient) => Promise<T>): Promise<T> {
  const loop = openLoop();
  const driver = new TestDriver(loop);
  const daemon = new Daemon(loop, { drivers: [driver] });
  const client = new OwnClient(loop, daemon);
  try {
    await client.call.connectOpen({ name: `test:///default?state=${join(directory, name)}`, flags: 0 });
    return await use(client);
  } finally {
    client.connection.close();
    await daemon.close();
    await driver.close();
    await loop.close();
  }
}

async function define(client: OwnClient, name: string): Promise<void> {
  const xml = `<domain type='test'><name>${name}</name><memory>8192</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>`;
  await client.call.domainDefineXml({ xml });
}

/** Subscribes, and waits for what there is: what was sent before the reply to a later call is there with it. */
async function read(client: OwnClient, cursor: Cursor): Promise<string[]> {
  await client.subscribe(cursor);
  for (let round = 0; round < 3; round++) await client.call.connectGetType({});
  return client.heard.map((each) => each.replace(/^\d+ /, ""));
}

async function lastPosition(client: OwnClient): Promise<Cursor> {
  for (let round = 0; round < 3; round++) await client.call.connectGetType({});
  return client.position as Cursor;
}

describe("a cursor from before a restart", () => {
  it("goes on where it was, whatever it was heard with", async () => {
    const [begin, last] = await during("going-on", async (client) => {
      await define(client, "a");
      const { position } = await client.subscribe(null);
      await define(client, "b");
      await define(client, "c");
      return [position, await lastPosition(client)];
    });
    assert.deepEqual([begin.sequence, last.sequence], [1n, 3n]);
    const quiet = await during("going-on", async (client) => {
      assert.deepEqual(await read(client, begin), ["#2 b", "#3 c"]);
      return (await client.subscribe(null)).position;
    });
    // Nothing has happened in the run that this one is of.
    const next = await during("going-on", async (client) => {
      assert.deepEqual(await read(client, quiet), []);
      await define(client, "d");
      return lastPosition(client);
    });
    for (const [cursor, expected] of [
      [begin, ["#2 b", "#3 c", "#4 d"]],
      [last, ["#4 d"]],
      [quiet, ["#4 d"]],
      [next, []],
    ] as const) {
      await during("going-on", async (client) => {
        const { position } = await client.subscribe(null);
        assert.equal(position.sequence, 4n);
        assert.deepEqual(await read(client, cursor), expected);
      });
    }
  });

  it("of events that were lost in a crash is told so, also when the telling is missed", async () => {
    const lost = await during("crash", async (client) => {
      await define(client, "a");
      await client.subscribe(null);
      await define(client, "b");
      const position = await lastPosition(client);
      return { ...position, sequence: position.sequence + 2n };
    });
    await during("crash", async (client) => {
      const { position } = await client.subscribe(lost);
      // What it would have if the connection had ended here.
      assert.deepEqual(position, lost);
      for (const name of ["c", "d", "e"]) await define(client, name);
    });
    await during("crash", async (client) => {
      assert.deepEqual(await read(client, lost), ["gap 3-4", "#3 c", "#4 d", "#5 e"]);
    });
  });

  it("of another directory has missed everything", async () => {
    const { position } = await during("one", async (client) => {
      await define(client, "a");
      return client.subscribe(null);
    });
    await during("other", async (client) => {
      await define(client, "b");
      assert.deepEqual(await read(client, position), ["gap 1-1"]);
      await define(client, "c");
      assert.equal(client.heard.at(-1), "0 #2 c");
    });
  });
});
