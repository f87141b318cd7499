import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Terminal } from "../../../src/driver/test/terminal.ts";

function shown(terminal: Terminal, typed: string): string {
  return Buffer.from(terminal.type(Buffer.from(typed))).toString();
}

describe("a simulated guest's terminal", () => {
  it("asks for a login in the domain's name, shows what is typed and says each line again", () => {
    const terminal = new Terminal("small");
    assert.equal(Buffer.from(terminal.banner).toString(), "\r\nsmall login: ");
    assert.equal(shown(terminal, "ro"), "ro");
    assert.equal(shown(terminal, "ot\r"), "ot\r\nroot\r\nsmall login: ");
    assert.equal(shown(terminal, "\r"), "\r\nsmall login: ");
  });

  it("takes a character back once, and not what it has said itself", () => {
    const terminal = new Terminal("small");
    assert.equal(shown(terminal, "a\x7f\x7f"), "a\b \b");
    assert.equal(shown(terminal, "b\r"), "b\r\nb\r\nsmall login: ");
  });

  it("keeps no line of any length", () => {
    const terminal = new Terminal("small");
    assert.equal(shown(terminal, "x".repeat(10_000)).length, 4_096);
  });
});
