import assert from "node:assert/strict";
import { test } from "node:test";
import { guestUser, parseLabel, type SecurityPolicy } from "../../../../src/driver/qemu/security/guest-user.ts";
import { ErrorCode, VirError } from "../../../../src/protocol/index.ts";
import { parseXml } from "../../../../src/xml/index.ts";

const user = { uid: 64055, gid: 64055, hasAccount: true };
const policy: SecurityPolicy = { user, isPrivileged: true, givesFiles: true };
const owner = { uid: 64055, gid: 64055 };

function of(labels: string, more: Partial<SecurityPolicy> = {}): ReturnType<typeof guestUser> {
  return guestUser(parseXml(`<domain>${labels}</domain>`).root, { ...policy, ...more });
}

test("a guest runs as the host's user for guests, who is given its files", () => {
  assert.deepEqual(of(""), { user, fileOwner: owner });
  assert.deepEqual(of("<seclabel type='dynamic' model='dac' relabel='yes'/>"), { user, fileOwner: owner });
  assert.deepEqual(of("<seclabel type='none' model='none'/>"), { user, fileOwner: owner });
});

test("nobody is given files where the host, or the definition, does not want it, or who is root", () => {
  assert.equal(of("", { givesFiles: false }).fileOwner, undefined);
  assert.equal(of("<seclabel type='none' model='dac'/>").fileOwner, undefined);
  assert.equal(of("<seclabel model='dac' relabel='no'/>").fileOwner, undefined);
  assert.equal(of("", { user: { uid: 0, gid: 0, hasAccount: true } }).fileOwner, undefined);
});

test("a definition says as whom its guest runs, and whether that user is given its files", () => {
  const label = (relabel: string): string =>
    `<seclabel type='static' model='dac' relabel='${relabel}'><label>+4000001:+7</label></seclabel>`;
  const named = { uid: 4_000_001, gid: 7, hasAccount: false };
  assert.deepEqual(of(label("no")), { user: named, fileOwner: undefined });
  assert.deepEqual(of(label("yes")), { user: named, fileOwner: { uid: 4_000_001, gid: 7 } });
  assert.deepEqual(of(label("yes").replace("+4000001:+7", "root:root")), {
    user: { uid: 0, gid: 0, hasAccount: true },
    fileOwner: undefined,
  });
});

test("a label is a user and a group, by names or by numbers", () => {
  assert.deepEqual(parseLabel("root:+0"), { uid: 0, gid: 0, hasAccount: true });
  assert.deepEqual(parseLabel("4000001:4000002"), { uid: 4_000_001, gid: 4_000_002, hasAccount: false });
  const refusals = {
    root: "Failed to parse uid and gid from 'root'",
    "": "Failed to parse uid and gid from ''",
    "a:b:c": "Failed to parse uid and gid from 'a:b:c'",
    "no such:root": "Failed to parse user 'no such'",
    "root:no such": "Failed to parse group 'no such'",
    "+4294967295:+0": "Failed to parse user '+4294967295'",
    "+-1:+0": "Failed to parse user '+-1'",
    "+:+0": "Failed to parse user '+'",
  };
  for (const [text, message] of Object.entries(refusals)) {
    const isMeant = (error: unknown): boolean =>
      error instanceof VirError &&
      error.code === ErrorCode.invalidArg &&
      error.message === `invalid argument: ${message}`;
    assert.throws(() => parseLabel(text), isMeant, text);
  }
});
