import { writeSync } from "node:fs";
import { Daemon } from "../../../src/daemon/index.ts";
import { TestDriver } from "../../../src/driver/test/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import { endAt, type Moment } from "./sudden-end.ts";

/** What the process says, in JSON, a line each. */
export type Saying = { readonly ready: true } | { readonly warning: string } | { readonly counts: DaemonCounts };

/** What a daemon holds at a moment, as it says when it gets SIGUSR2. */
export interface DaemonCounts {
  readonly connections: number;
  /** Of the driver's events. */
  readonly subscriptions: number;
  /** Watches and timeouts of its loop. */
  readonly registrations: number;
}

/** A daemon as a user would run it; with a third argument it ends itself suddenly. */
const [path = "", uri = "", moment] = process.argv.slice(2);
const say = (saying: Saying): void => void writeSync(1, `${JSON.stringify(saying)}\n`);

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${textOf(error.cause)})`;
}

if (moment !== undefined) await endAt(JSON.parse(moment) as Moment);
const loop = openLoop();
const driver = new TestDriver(loop, { onWarning: (error) => say({ warning: textOf(error) }) });
const daemon = new Daemon(loop, {
  drivers: [driver],
  log: ({ level, message }) => {
    if (level === "error") say({ warning: message });
  },
});
// What is in the directory is read before anybody asks for it, so that this belongs to the start.
await driver.connect(uri, { readOnly: false });
daemon.listen({ path, mode: 0o600 });
say({ ready: true });

process.once("SIGTERM", () => {
  const ending = (async () => {
    await daemon.close();
    await driver.close();
    await loop.close();
    process.exit(0);
  })();
  ending.catch((error: unknown) => {
    say({ warning: textOf(error) });
    process.exit(1);
  });
});
