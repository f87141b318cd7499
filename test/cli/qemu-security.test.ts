import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveSecurity } from "../../src/cli/qemu-security.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import { findUser, ownIdentity } from "../../src/os/index.ts";

const settings = { qemu_user: "", qemu_group: "", dynamic_ownership: 1 } as const;
const isRoot = process.getuid?.() === 0;
const system = "qemu:///system";
const rootOnly = { skip: isRoot ? false : "only root can be another user" };

test("a session's QEMU runs as its daemon, whatever the file says", () => {
  const { security, warnings } = resolveSecurity({ ...settings, qemu_user: "+64055" }, "qemu:///session");
  assert.deepEqual(security, { user: ownIdentity(), isPrivileged: false, givesFiles: false });
  assert.match(warnings.join(), /^qemu_user and qemu_group mean nothing here/);
  assert.deepEqual(resolveSecurity(settings, "qemu:///session").warnings, []);
});

test("the system's QEMU runs as the user of the file, by name or number", rootOnly, () => {
  const of = (qemu_user: string, qemu_group = ""): unknown =>
    resolveSecurity({ ...settings, qemu_user, qemu_group }, system).security.user;
  assert.deepEqual(of("+4000001", "+4000002"), { uid: 4_000_001, gid: 4_000_002, hasAccount: false });
  assert.deepEqual(of("root"), { uid: 0, gid: 0, hasAccount: true });
  assert.deepEqual(of("nobody"), findUser("nobody"));
  assert.deepEqual(of("nobody", "root"), { ...findUser("nobody"), gid: 0 });
  assert.deepEqual(of("+0", "+7"), { uid: 0, gid: 7, hasAccount: true });
});

test("its files are given to it unless the file says otherwise", rootOnly, () => {
  const gives = (dynamic_ownership: 0 | 1): boolean =>
    resolveSecurity({ ...settings, qemu_user: "nobody", dynamic_ownership }, system).security.givesFiles;
  assert.deepEqual([gives(1), gives(0)], [true, false]);
});

test("without a word it is libvirt's user, or, where there is none, root, with a warning", rootOnly, () => {
  const { security, warnings } = resolveSecurity(settings, system);
  const found = findUser("libvirt-qemu");
  assert.equal(security.user.uid, found?.uid ?? 0);
  if (found === undefined)
    assert.match(warnings.join(), /^guests run as root, as there is no user libvirt-qemu: create it/);
  else assert.deepEqual(warnings, []);
});

test("a user or a group that is not there is an error that says what to do", rootOnly, () => {
  const fails = (qemu_user: string, qemu_group: string, message: RegExp): void =>
    assert.throws(
      () => resolveSecurity({ ...settings, qemu_user, qemu_group }, system),
      (error: unknown) => error instanceof UsageError && message.test(error.message),
    );
  fails("no such", "", /^qemu_user: no user named no such: create it, or choose another$/);
  fails("nobody", "no such", /^qemu_group: no group named no such: create it, or choose another$/);
  fails("+4000001", "", /^qemu_group: \+4000001 is a number without an account: say which group, too$/);
});
