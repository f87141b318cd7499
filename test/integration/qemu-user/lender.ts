import { readFileSync } from "node:fs";
import { join } from "node:path";
import { QemuDriver } from "../../../src/driver/qemu/index.ts";
import { openLoop } from "../../../src/os/index.ts";
import { call } from "../qemu-bench.ts";
import { guestUser } from "./guest-user.ts";

/** Starts the guest of a definition as QEMU's user, says so, and stays until it is killed. */
const [directory = "", definition = ""] = process.argv.slice(2);
const driver = await QemuDriver.open(openLoop(), {
  uri: "qemu:///system",
  stateDir: join(directory, "state"),
  runDir: join(directory, "run"),
  logDir: join(directory, "log"),
  security: guestUser,
});
const { dom } = await call(driver, "domainDefineXml", { xml: readFileSync(definition, "utf8") });
await call(driver, "domainCreate", { dom });
process.stdout.write("started\n");
