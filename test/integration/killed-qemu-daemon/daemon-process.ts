import { join } from "node:path";
import { QemuDriver } from "../../../src/driver/qemu/index.ts";
import { serveDriver } from "../killed-daemon/served-driver.ts";

/** A daemon with real guests, whose files are below the directory of its socket. */
const [path = "", uri = ""] = process.argv.slice(2);
const directory = join(path, "..");

await serveDriver(path, (loop, onWarning) =>
  QemuDriver.open(loop, {
    uri,
    stateDir: join(directory, "state"),
    runDir: join(directory, "run"),
    logDir: join(directory, "log"),
    onWarning,
  }),
);
