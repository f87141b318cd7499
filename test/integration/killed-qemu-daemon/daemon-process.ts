import { writeSync } from "node:fs";
import { join } from "node:path";
import { Daemon } from "../../../src/daemon/index.ts";
import { QemuDriver } from "../../../src/driver/qemu/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import type { Saying } from "../killed-daemon/daemon-process.ts";

/** A daemon with real guests, whose files are below the directory of its socket. */
const [path = "", uri = ""] = process.argv.slice(2);
const directory = join(path, "..");
const say = (saying: Saying): void => void writeSync(1, `${JSON.stringify(saying)}\n`);

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${textOf(error.cause)})`;
}

const loop = openLoop();
const driver = await QemuDriver.open(loop, {
  uri,
  stateDir: join(directory, "state"),
  runDir: join(directory, "run"),
  logDir: join(directory, "log"),
  onWarning: (error) => say({ warning: textOf(error) }),
});
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
const daemon = new Daemon(loop, {
  drivers: [driver],
  log: ({ level, message }) => {
    if (level === "error") say({ warning: message });
  },
});
daemon.listen({ path, mode: 0o600 });
say({ ready: true });

process.on("SIGUSR2", () => {
  say({ counts: { connections: daemon.size, subscriptions, registrations: loop.size } });
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
