import type { SecurityPolicy } from "../../../src/driver/qemu/index.ts";

/** Debian's numbers for libvirt's user; nobody needs an account for them. */
export const guestUser: SecurityPolicy = {
  user: { uid: 64055, gid: 64055, hasAccount: false },
  isPrivileged: true,
  givesFiles: true,
};
