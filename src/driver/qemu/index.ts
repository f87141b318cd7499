export { type HelloOptions, helloDefinition } from "./hello.ts";
export type { CompanionLaunch, Connected, HeldProcess, LaunchedCompanion, LaunchPlan, QemuHost } from "./host.ts";
export { QemuDriver, type QemuDriverOptions } from "./qemu-driver.ts";
export type { SecurityPolicy } from "./security/guest-user.ts";
