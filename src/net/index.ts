export { reachProgram, reachTcp, reachTls, reachUnix, type TlsPlace } from "./connect.ts";
export { DuplexTransport } from "./duplex-transport.ts";
export { TimerHost } from "./timer-host.ts";
