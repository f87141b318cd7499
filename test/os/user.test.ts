import assert from "node:assert/strict";
import { userInfo } from "node:os";
import { test } from "node:test";
import { findUser, ownIdentity } from "../../src/os/index.ts";

test("a user is found by name and by number, with its own group", () => {
  assert.deepEqual(findUser("root"), { uid: 0, gid: 0, hasAccount: true });
  assert.deepEqual(findUser(0), findUser("root"));
  const { uid, gid, username } = userInfo();
  assert.deepEqual(findUser(username), { uid, gid, hasAccount: true });
  assert.deepEqual(ownIdentity(), { uid, gid, hasAccount: true });
});

test("a user that is not there is not found", () => {
  assert.equal(findUser("no such user"), undefined);
  assert.equal(findUser(4_000_000_000), undefined);
});
