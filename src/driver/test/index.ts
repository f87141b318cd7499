export { callFaults, eventFaults } from "./faults.ts";
export { TestDriver, type TestDriverOptions } from "./test-driver.ts";
