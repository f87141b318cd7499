export { XenDriver, type XenDriverOptions } from "./xen-driver.ts";
