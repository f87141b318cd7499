export { type ExtendedCall, type ExtensionName, Extensions } from "./extensions.ts";
