import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { BinaryFacts } from "../../../../src/driver/qemu/capabilities/binary-facts.ts";
import { FactsCache } from "../../../../src/driver/qemu/capabilities/facts-cache.ts";

function factsOf(version: number): BinaryFacts {
  return {
    version,
    arch: "x86_64",
    machines: [],
    models: [],
    maxFeatures: [],
    maxVendor: "",
    devices: [],
    tpmModels: [],
    tpmBackends: [],
  };
}

/** A binary that counts how often it is asked, and its cache. */
function setUp(context: TestContext): { binary: string; kept: string; open: () => FactsCache; asked: string[] } {
  const directory = mkdtempSync(join(tmpdir(), "vwc-"));
  context.after(() => rmSync(directory, { recursive: true }));
  const binary = join(directory, "qemu");
  writeFileSync(binary, "1");
  const asked: string[] = [];
  const kept = join(directory, "cache");
  const read = async (_: string, accelerator: string): Promise<BinaryFacts> => {
    asked.push(accelerator);
    return factsOf(asked.length);
  };
  return { binary, kept, asked, open: () => new FactsCache(kept, read) };
}

test("those who ask at the same time share one answer, and the next daemon finds it", async (context) => {
  const { binary, asked, open } = setUp(context);
  const cache = open();
  const answers = await Promise.all([cache.of(binary), cache.of(binary), cache.of(binary)]);
  assert.deepEqual(
    answers.map(({ version }) => version),
    [1, 1, 1],
  );
  assert.equal((await open().of(binary)).version, 1);
  assert.deepEqual(asked, ["tcg"]);
});

test("each accelerator has an answer of its own", async (context) => {
  const { binary, asked, open } = setUp(context);
  const cache = open();
  await cache.of(binary);
  await cache.of(binary, "kvm");
  await cache.of(binary);
  assert.deepEqual(asked, ["tcg", "kvm"]);
});

test("a binary that has been replaced is asked again, by its time or its size", async (context) => {
  const { binary, asked, open } = setUp(context);
  const cache = open();
  await cache.of(binary);
  utimesSync(binary, 1000, 1000);
  await cache.of(binary);
  writeFileSync(binary, "22");
  utimesSync(binary, 1000, 1000);
  await cache.of(binary);
  assert.equal(asked.length, 3);
});

test("a failure is told to all who wait, and not remembered", async (context) => {
  const { binary } = setUp(context);
  let asked = 0;
  const gate = Promise.withResolvers<void>();
  const cache = new FactsCache(undefined, async () => {
    const turn = ++asked;
    await gate.promise;
    if (turn === 1) throw new Error("no");
    return factsOf(turn);
  });
  const waiting = [cache.of(binary), cache.of(binary)];
  // Both have looked at the file by then, and the first has asked.
  while (asked === 0) await stat(binary);
  await stat(binary);
  gate.resolve();
  const results = await Promise.allSettled(waiting);
  assert.deepEqual(
    results.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.equal((await cache.of(binary)).version, 2);
});

test("a cache that holds garbage, or cannot be written, is none", async (context) => {
  const { binary, kept, asked, open } = setUp(context);
  await open().of(binary);
  for (const name of readdirSync(kept)) writeFileSync(join(kept, name), "{");
  assert.equal((await open().of(binary)).version, 2);
  rmSync(kept, { recursive: true });
  writeFileSync(kept, "in the way");
  chmodSync(kept, 0o400);
  assert.equal((await open().of(binary)).version, 3);
  assert.equal(asked.length, 3);
});
