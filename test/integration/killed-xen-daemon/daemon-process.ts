import { flushCompileCache } from "node:module";
import { join } from "node:path";
import { XenDriver } from "../../../src/driver/xen/index.ts";
import { serveDriver } from "../killed-daemon/served-driver.ts";

/** A daemon in dom0, whose files are below the directory of its socket. */
const [path = ""] = process.argv.slice(2);
const directory = join(path, "..");

await serveDriver(path, (loop, onWarning) =>
  XenDriver.open(loop, { stateDir: join(directory, "state"), runDir: join(directory, "run"), onWarning }),
);
// Who is killed leaves nothing of that behind; and emulated, the next one would compile it all again, for a minute.
flushCompileCache();
