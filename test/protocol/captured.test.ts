import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { remote, WireError } from "../../src/protocol/index.ts";
import { type Codec, decode, encode } from "../../src/xdr/index.ts";

/** go-libvirt marks a present name with this word; read as present, it is written back as 1. */
const foreignFlag = "01000000";

const lines = readFileSync(new URL("captured.txt", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .slice(1);

describe("messages captured from real clients and libvirtd 9.0.0", () => {
  const rows = new Map(Object.values(remote.procedures).map((row) => [row.number as number, row]));

  for (const kind of ["call", "reply", "event", "error"]) {
    it(`a ${kind} is written back byte for byte`, () => {
      const chosen = lines.map((line) => line.split(" ")).filter((line) => line[1] === kind);
      assert.ok(chosen.length >= 5, `only ${chosen.length} fixtures`);
      for (const [number, , payload = ""] of chosen) {
        const codec = codecOf(Number(number), kind);
        const written = Buffer.from(encode(codec, decode(codec, Buffer.from(payload, "hex")))).toString("hex");
        assert.equal(
          written,
          payload.startsWith(foreignFlag) ? `00000001${payload.slice(8)}` : payload,
          `${number} ${kind}`,
        );
      }
    });
  }

  it("cover every row but what no client sends to libvirtd 9.0", () => {
    const covered = new Set(lines.map((line) => Number(line.split(" ")[0])));
    const missing = Object.entries(remote.procedures).filter(([, row]) => !covered.has(row.number));
    assert.deepEqual(
      missing.map(([name]) => name),
      ["connectEventConnectionClosed"],
    );
  });

  function codecOf(number: number, kind: string): Codec {
    if (kind === "error") return WireError;
    const row = rows.get(number);
    assert.ok(row !== undefined, `no row ${number}`);
    if (row.kind === "event") return row.message;
    return kind === "call" ? row.args : row.ret;
  }
});
