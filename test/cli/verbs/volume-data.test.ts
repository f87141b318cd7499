import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { type Around, around, Interrupted } from "../../../src/cli/verbs/around.ts";
import { Given } from "../../../src/cli/verbs/verb.ts";
import { download, upload } from "../../../src/cli/verbs/volume-data.ts";
import type { Connection, Volume } from "../../../src/open/index.ts";

/** A connection with one volume, `v`, and what came into it. */
function withVolume(content = Buffer.from("123456789")) {
  const asked: { offset: bigint; length: bigint }[] = [];
  const received: Uint8Array[] = [];
  const volume = {
    name: "v",
    getInfo: async () => ({ capacity: BigInt(content.length) }),
    upload: async (part: { offset: bigint; length: bigint }) => {
      asked.push(part);
      return new WritableStream<Uint8Array>({ write: (bytes) => void received.push(bytes.slice()) });
    },
    download: async () => new Blob([content]).stream(),
  } as unknown as Volume;
  const pool = { volLookupByName: async () => volume };
  const connection = { storagePoolLookupByName: async () => pool } as unknown as Connection;
  return { connection, asked, text: () => Buffer.concat(received).toString() };
}

suite("the data of a volume", { timeout: 20_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "vw-volume-data-"));
  after(() => rmSync(directory, { recursive: true }));
  const given = (file: string, more: Record<string, string> = {}): Given =>
    new Given({ vol: "v", pool: "p", file, ...more });
  /** A pipe that somebody writes this to. */
  const pipe = (name: string, text: string): string => {
    const path = join(directory, name);
    execFileSync("mkfifo", [path]);
    const writer = spawn("/bin/sh", ["-c", 'exec cat >"$1"', "sh", path], { stdio: ["pipe", "ignore", "ignore"] });
    writer.stdin.end(text);
    after(() => writer.kill());
    return path;
  };

  test("comes from a pipe, to its end or as much of it as is asked for", async () => {
    const { connection, asked, text } = withVolume();
    const long = "0123456789".repeat(10_000);
    await upload(connection, given(pipe("whole", long)), around());
    assert.ok(text() === long);
    await upload(connection, given(pipe("part", "abcdefg"), { length: "3", offset: "2" }), around());
    assert.ok(text() === `${long}abc`);
    assert.deepEqual(asked, [
      { offset: 0n, length: 0n },
      { offset: 2n, length: 3n },
    ]);
  });

  test("comes from a file, no more of it than there is", async () => {
    const { connection, asked, text } = withVolume();
    const file = join(directory, "file");
    writeFileSync(file, "abcdefg");
    await upload(connection, given(file, { length: "3" }), around());
    await upload(connection, given(file, { length: "30" }), around());
    await upload(connection, given(file, { length: "0" }), around());
    assert.equal(text(), "abcabcdefgabcdefg");
    assert.deepEqual(
      asked.map(({ length }) => length),
      [3n, 7n, 7n],
    );
    writeFileSync(file, "");
    await upload(connection, given(file), around());
    assert.equal(text(), "abcabcdefgabcdefg");
  });

  test("comes neither from a directory nor from what is not there, and nothing is begun then", async () => {
    const { connection, asked } = withVolume();
    await assert.rejects(upload(connection, given(directory), around()), {
      message: `cannot read ${directory}: Is a directory`,
    });
    await assert.rejects(upload(connection, given("/nonexistent"), around()), { message: "cannot read /nonexistent" });
    assert.deepEqual(asked, []);
  });

  test("goes to a file, which is emptied before", async () => {
    const file = join(directory, "target");
    for (const content of ["123456789", "abc"]) {
      await download(withVolume(Buffer.from(content)).connection, given(file), around());
      assert.equal(readFileSync(file, "utf8"), content);
    }
  });

  test("leaves no part behind when it is interrupted, unless the file was there before", async () => {
    const { connection } = withVolume();
    const interruption = () => ({ signal: AbortSignal.abort(), [Symbol.dispose]: () => {} });
    const interrupted: Around = { ...around(), interruption };
    const [made, known] = [join(directory, "made"), join(directory, "known")];
    writeFileSync(known, "x");
    await assert.rejects(download(connection, given(made), interrupted), Interrupted);
    await assert.rejects(download(connection, given(known), interrupted), Interrupted);
    assert.deepEqual([existsSync(made), existsSync(known)], [false, true]);
    const nowhere = join(directory, "nosuch/made");
    await assert.rejects(download(connection, given(nowhere), around()), {
      message: `cannot create ${nowhere}`,
    });
  });
});
