export { readConfig } from "./read-config.ts";
export { type Dialect, writeConfig } from "./write-config.ts";
