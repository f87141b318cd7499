export { AdminClient, AdminServer, admin } from "./admin.ts";
export { DomainReason, DomainState, Lifecycle } from "./domain-enums.ts";
export {
  type DomainEvent,
  type DomainEventName,
  domainEventId,
  domainEventIdLimit,
  domainEventNames,
  domainEventOfRow,
  type EventMessage,
  eventMessage,
  isDomainEventId,
  isDomainEventName,
  type LifecycleEvent,
  legacyEventIdLimit,
  legacyEventMessage,
} from "./domain-event.ts";
export { ErrorCode, ErrorDomain, ErrorLevel } from "./error-codes.ts";
export { AuthType, connectReadOnly, Feature, libvirtVersion } from "./handshake.ts";
export { keepalive } from "./keepalive.ts";
export { lxc } from "./lxc.ts";
export {
  appendMessage,
  decodeHeader,
  encodeInPieces,
  encodeMessage,
  eventSerial,
  fdLimit,
  type Header,
  headerLength,
  MessageType,
  messageLengthLimit,
  passesFds,
  Status,
  StreamHole,
  streamDataLimit,
} from "./message.ts";
export {
  type ObjectEvent,
  type ObjectEventName,
  type ObjectKind,
  ObjectLifecycle,
  objectEventIdLimit,
  objectEventKey,
  objectEventPlace,
  objectKey,
} from "./object-event.ts";
export {
  type ArgsOf,
  allowsReadOnly,
  type Call,
  type CallName,
  type Client,
  type Event,
  type EventName,
  type Handlers,
  holesAllowed,
  type MessageOf,
  type Opened,
  type Procedure,
  type Program,
  type ReadOnlyRule,
  type RetOf,
  type StreamCall,
  type Streaming,
  type StreamName,
  type StreamRule,
  type Table,
} from "./procedure.ts";
export { programText } from "./program-text.ts";
export { errorDomainOf, type KnownProcedure, knownProcedure, publicFunction } from "./public-function.ts";
export { monitorEventProcedures, ownMonitorProcedures, qemu } from "./qemu.ts";
export {
  authenticationProcedures,
  Domain,
  DomainCheckpoint,
  DomainSnapshot,
  driverProcedures,
  eventProcedures,
  HostInterface,
  listLimit,
  Network,
  NetworkPort,
  NodeDevice,
  Nwfilter,
  NwfilterBinding,
  nodeDeviceListLimit,
  objectEventProcedures,
  remote,
  Secret,
  StoragePool,
  StorageVol,
  sessionProcedures,
  TypedParam,
  TypedValue,
  typedParams,
} from "./remote/index.ts";
export { VirError, type VirErrorFields, WireError } from "./vir-error.ts";
export {
  Cursor,
  DomainReport,
  Fault,
  Gap,
  ownDaemonProcedures,
  ownHypervisorProcedures,
  PlacedFault,
  virtwright,
} from "./virtwright.ts";
