export { argumentsOf, type Numbering } from "./arguments.ts";
export { commandToAdd, commandToRemove, type MonitorCommand } from "./commands.ts";
export type { Companion } from "./companion.ts";
export { partsOf } from "./devices.ts";
export { type VariableStore, variableStore } from "./firmware.ts";
export { GuestContext, memoryDirectory, type PartsOptions, type SecretReference } from "./guest-context.ts";
export { firstDescriptor, type GuestPlan, monitorDescriptor, planGuest } from "./guest-plan.ts";
export { type DescriptorRequest, descriptorsOf, type Opening, type Part } from "./part.ts";
