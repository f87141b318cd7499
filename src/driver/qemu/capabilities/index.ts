export { Capabilities, type GuestKind } from "./capabilities.ts";
export { hostTopology } from "./capabilities-xml.ts";
export { type HostFacts, readHostFacts } from "./host-facts.ts";
export { withHostModel } from "./host-model.ts";
export { baselineOn, compareCpu, guestProcessor, hostProcessor } from "./processors.ts";
