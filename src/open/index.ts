export * from "../client/index.ts";
export { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
export type { EmbedPlaces } from "./embed.ts";
export { type OpenOptions, open } from "./open.ts";
export { openAdmin } from "./open-admin.ts";
export { daemonSockets } from "./sockets.ts";
export { type ConnectionUri, parseUri } from "./uri.ts";
