import { type Event, event, type Program } from "./procedure.ts";

/** Both ends answer a ping with a pong, always and at once. Serial 0, no payload. */
export const keepalive = {
  name: "KEEPALIVE",
  number: 0x6b65_6570,
  version: 1,
  procedures: { ping: event(1, {}), pong: event(2, {}) },
} as const satisfies Program<{ ping: Event; pong: Event }>;
