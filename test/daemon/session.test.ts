import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Session, type SessionOptions } from "../../src/daemon/session.ts";
import { FakeDriver } from "./fake-driver.ts";

suite("a session", () => {
  test("that is closed is not opened again", () => {
    const driver = new FakeDriver();
    const session = new Session({
      drivers: [driver],
      auth: "none",
      principal: { door: "memory" },
      readOnly: false,
    } as Partial<SessionOptions> as SessionOptions);
    session.close();
    assert.throws(() => session.open("fake:///default", 0), /the connection is closed/);
    assert.deepEqual([session.state, driver.holds], ["closed", 0]);
  });
});
