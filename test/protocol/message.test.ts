import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { encodeInPieces, encodeMessage, MessageType, messageLengthLimit, remote } from "../../src/protocol/index.ts";
import { array, opaque, ProtocolError, struct } from "../../src/xdr/index.ts";

const header = { program: remote.number, version: 1, procedure: 273, type: MessageType.reply, serial: 7, status: 0 };
const { ret } = remote.procedures.connectListAllDomains;
const domains = Array.from({ length: 5_000 }, (_, id) => ({
  name: `domain ${id}`,
  uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f",
  id,
}));
const value = { domains, ret: domains.length };

describe("a message in pieces", () => {
  it("is the same message, with a pause behind each piece of the length asked for", () => {
    const encoding = encodeInPieces(header, ret, value, 10_000);
    let pauses = 0;
    let step = encoding.next();
    for (; step.done !== true; step = encoding.next()) pauses++;
    const pieces = step.value;
    assert.deepEqual(Buffer.concat(pieces), Buffer.from(encodeMessage(header, ret, value)));
    assert.equal(pauses, pieces.length - 1);
    assert.ok(pieces.length > 10);
    for (const piece of pieces.slice(0, -1)) assert.ok(piece.length >= 10_000 && piece.length < 10_200);
  });

  it("is one piece without a pause when it is short, or its type has no list", () => {
    const short = encodeInPieces(header, ret, { domains: domains.slice(0, 3), ret: 3 }, 10_000).next();
    assert.ok(short.done === true && short.value.length === 1);
    const version = encodeInPieces(header, remote.procedures.connectGetVersion.ret, { hvVer: 1n }, 1).next();
    assert.ok(version.done === true && version.value.length === 1);
  });

  it("asks for an item only when its turn has come", () => {
    let asked = 0;
    const lazy = Array.from({ length: 1_000 }, () => ({
      get name() {
        asked++;
        return "x".repeat(100);
      },
      uuid: domains[0]?.uuid ?? "",
      id: 1,
    }));
    encodeInPieces(header, ret, { domains: lazy, ret: 0 }, 10_000).next();
    assert.ok(asked > 10 && asked < 120);
  });

  it("is refused as soon as it is longer than a message may be", () => {
    const blocks = struct("blocks", { blocks: array(opaque(1_048_576), 1_000) });
    const block = new Uint8Array(1_048_576);
    let asked = 0;
    const list = new Proxy(
      Array.from({ length: 1_000 }, () => block),
      {
        get: (target, key) => {
          if (/^\d+$/.test(String(key))) asked++;
          return Reflect.get(target, key);
        },
      },
    );
    const encoding = encodeInPieces(header, blocks, { blocks: list }, 65_536);
    assert.throws(() => {
      while (encoding.next().done !== true);
    }, ProtocolError);
    assert.ok(asked <= messageLengthLimit / block.length + 1);
  });
});
