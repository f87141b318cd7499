import { writeSync } from "node:fs";
import { Daemon } from "../../../src/daemon/index.ts";
import type { Driver, Hypervisor } from "../../../src/driver/driver.ts";
import type { Loop } from "../../../src/event/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import type { Saying } from "./daemon-process.ts";

type ServedDriver = Driver & Hypervisor & { close(): Promise<void> };

const say = (saying: Saying): void => void writeSync(1, `${JSON.stringify(saying)}\n`);

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${textOf(error.cause)})`;
}

/** A daemon with one driver, which says on its output what it has to say, until SIGTERM. `open` is given who hears of warnings. */
export async function serveDriver(
  path: string,
  open: (loop: Loop, onWarning: (error: unknown) => void) => Promise<ServedDriver>,
): Promise<void> {
  const loop = openLoop();
  const driver = await open(loop, (error) => say({ warning: textOf(error) }));
  const subscriptions = countSubscriptions(driver);
  const daemon = new Daemon(loop, {
    drivers: [driver],
    log: ({ level, message }) => {
      if (level === "error") say({ warning: message });
    },
  });
  daemon.listen({ path, mode: 0o600 });
  say({ ready: true });
  process.on("SIGUSR2", () => {
    say({ counts: { connections: daemon.size, subscriptions: subscriptions(), registrations: loop.size } });
  });
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
}

function countSubscriptions(driver: Hypervisor): () => number {
  let subscriptions = 0;
  const subscribe = driver.subscribe.bind(driver);
  driver.subscribe = (listener) => {
    const unsubscribe = subscribe(listener);
    let isOver = false;
    subscriptions++;
    return () => {
      if (!isOver) subscriptions--;
      isOver = true;
      unsubscribe();
    };
  };
  return () => subscriptions;
}
