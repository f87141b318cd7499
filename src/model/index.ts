export { type Completion, Definition, type SerialDefinition } from "./definition.ts";
export { DefinitionStore } from "./definition-store.ts";
export type { DiskDefinition } from "./disk-definition.ts";
export { Domain, type DomainStatus, type Incarnation } from "./domain.ts";
export { DomainList } from "./domain-list.ts";
export type { Amount, AsyncJob, AsyncJobRequest, AsyncWork, Job, JobKind, JobProgress, JobRequest } from "./job.ts";
export { JobQueue } from "./job-queue.ts";
export { JobWaits } from "./job-waits.ts";
export { type Cursor, Journal, type JournalOptions, type Rest, type Stamped } from "./journal.ts";
export type { JournalWarning } from "./journal-reader.ts";
export { decodeEvent, encodeEvent } from "./journal-record.ts";
export type { Gap } from "./journal-segment.ts";
export type { JournalStoreOptions } from "./journal-store.ts";
export { bytesPer, memoryKib } from "./memory-size.ts";
export { RecordStore, type Unreadable } from "./record-store.ts";
export {
  checkFormats,
  type FormatStep,
  numbered,
  type StatePlace,
  statePlace,
  upgradeFormats,
} from "./state-format.ts";
export { DirectoryFiles, readStored, type StoredFile, type StoredFiles } from "./stored-files.ts";
