export { reachProgram, reachTcp, reachTls, reachUnix, type TlsPlace } from "./connect.ts";
export { DuplexTransport } from "./duplex-transport.ts";
export { type Arrival, PortListener, type PortListenerOptions, type TlsIdentity } from "./port-listener.ts";
export { TimerHost } from "./timer-host.ts";
