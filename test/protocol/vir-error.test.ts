import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ErrorCode, ErrorDomain, VirError, WireError } from "../../src/protocol/index.ts";
import { encode } from "../../src/xdr/index.ts";

describe("a VirError", () => {
  it("is worded as libvirt's: phrase, detail, and the two apart", () => {
    const error = VirError.of(ErrorCode.noDomain, ErrorDomain.qemu, "no domain with matching name 'x'");
    assert.deepEqual(error.toWire(), {
      code: 42,
      domain: 10,
      message: "Domain not found: no domain with matching name 'x'",
      level: 2,
      dom: null,
      str1: "Domain not found: %s",
      str2: "no domain with matching name 'x'",
      str3: null,
      int1: -1,
      int2: -1,
      net: null,
    });
  });

  it("of the RPC has no phrase of its own", () => {
    const { message, str1 } = VirError.of(ErrorCode.rpc, ErrorDomain.rpc, "unknown procedure: 9999");
    assert.deepEqual([message, str1], ["unknown procedure: 9999", "%s"]);
  });

  it("goes over the wire and back", () => {
    const error = VirError.system(ErrorDomain.qemu, 2, "Failed to open file '/x'");
    assert.deepEqual(VirError.fromWire(error.toWire()), error);
  });

  it("refuses flags with the caller's name", () => {
    VirError.checkFlags(3, 3, ErrorDomain.test, "testX");
    assert.throws(() => VirError.checkFlags(0x8000_0001 | 0, 1, ErrorDomain.test, "testX"), {
      code: ErrorCode.invalidArg,
      message: "unsupported flags (0x80000000) in function testX",
      str1: "testX",
      str2: "flags",
      int1: 0,
    });
  });

  it("is always short enough to be sent", () => {
    const error = VirError.of(ErrorCode.xmlError, ErrorDomain.xml, "\u{1F600}".repeat(5_000_000));
    assert.ok(encode(WireError, error.toWire()).length < 2_000_000);
  });

  it("keeps its cause", () => {
    const cause = new Error("deep");
    assert.equal(VirError.of(ErrorCode.internalError, ErrorDomain.none, "x", cause).cause, cause);
  });
});
