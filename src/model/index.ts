export { Definition, type SerialDefinition } from "./definition.ts";
export { DefinitionStore, type Unreadable } from "./definition-store.ts";
export type { DiskDefinition } from "./disk-definition.ts";
export { Domain, type DomainStatus, type Incarnation } from "./domain.ts";
export { DomainList } from "./domain-list.ts";
export type { Amount, AsyncJob, AsyncJobRequest, AsyncWork, Job, JobKind, JobProgress, JobRequest } from "./job.ts";
export { JobQueue } from "./job-queue.ts";
