export { reachProgram, reachTcp, reachTls, reachUnix, type TlsPlace } from "./connect.ts";
export { DuplexTransport } from "./duplex-transport.ts";
export { nodeTimers } from "./node-timers.ts";
export { type Arrival, PortListener, type PortListenerOptions, type TlsIdentity } from "./port-listener.ts";
export { WebSocketListener, type WebSocketOptions } from "./websocket-listener.ts";
export { WebSocketStream } from "./websocket-stream.ts";
