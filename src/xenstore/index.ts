export type { AbortSignalLike, CallOptions } from "./call-options.ts";
export { XenstoreClosedError, XenstoreError } from "./errors.ts";
export { NodeAccess } from "./node-access.ts";
export type { Access, Permissions } from "./permissions.ts";
export { StoreWatch, type StoreWatchCallback } from "./store-watch.ts";
export type { Transaction, TransactionOptions, TransactionWork } from "./transaction.ts";
export { introduceDomain, releaseDomain, Xenstore, type XenstoreOptions } from "./xenstore.ts";
