export { DomainEventId, DomainReason, DomainState, domainEventIdLimit, Lifecycle } from "./domain-enums.ts";
export { ErrorCode, ErrorDomain, ErrorLevel } from "./error-codes.ts";
export { AuthType, connectReadOnly, Feature, libvirtVersion } from "./handshake.ts";
export { keepalive } from "./keepalive.ts";
export { errorDomainOf, type KnownProcedure, knownProcedure } from "./known-procedure.ts";
export {
  decodeHeader,
  encodeMessage,
  eventSerial,
  fdLimit,
  type Header,
  headerLength,
  MessageType,
  messageLengthLimit,
  Status,
} from "./message.ts";
export {
  type ArgsOf,
  type Call,
  type CallName,
  type Client,
  type Event,
  type EventName,
  type Handlers,
  type MessageOf,
  type Procedure,
  type Program,
  type ReadOnlyRule,
  type RetOf,
  type Table,
} from "./procedure.ts";
export { programText } from "./program-text.ts";
export {
  Domain,
  domainListLimit,
  driverProcedures,
  eventProcedures,
  remote,
  sessionProcedures,
} from "./remote/index.ts";
export { VirError, type VirErrorFields, WireError } from "./vir-error.ts";
