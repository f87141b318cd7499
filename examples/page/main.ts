/**
 * A page for guests, at http://127.0.0.1:8080/. The daemon has to let it in, in virtwright.conf:
 *
 *     listen_websocket = "127.0.0.1:16580"
 *     websocket_origins = ["http://127.0.0.1:8080"]
 */
import { servePage } from "./page-server.ts";

await servePage(new URL("..", import.meta.resolve("virtwright/web")), 8_080);
console.log("http://127.0.0.1:8080/#name=qemu:///system&token=... (the daemon's: /run/virtwright/websocket-token)");
