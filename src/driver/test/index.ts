export { TestDriver, type TestDriverOptions } from "./test-driver.ts";
