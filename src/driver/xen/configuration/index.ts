export { checked, configOf } from "./configuration.ts";
export { definitionOf, domainElement } from "./definition.ts";
