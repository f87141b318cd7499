// Not the client's index: with it a page would load an XML parser, which browsers know only from bundlers.
export { Connection } from "../client/connection.ts";
export type { ConnectionOptions, Connector } from "../client/connection-options.ts";
export { ErrorCode, ErrorDomain, VirError } from "../protocol/index.ts";
export { openWebSocket, type WebSocketOpenOptions } from "./open-web-socket.ts";
