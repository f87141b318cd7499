export type { Hole, StreamPart } from "../rpc/index.ts";
export {
  Admin,
  type AdminCallOptions,
  AdminClient,
  AdminServer,
  type ClientLimits,
  type ThreadPool,
} from "./admin.ts";
export { Connection } from "./connection.ts";
export type { ConnectionOptions, Connector } from "./connection-options.ts";
export { domain } from "./definition/domain.ts";
export { type DiskView, DomainDefinition } from "./definition/domain-definition.ts";
export type {
  ConsoleSpec,
  DiskSpec,
  DomainChange,
  DomainSpec,
  GraphicsSpec,
  InterfaceSpec,
} from "./definition/domain-spec.ts";
export type { Size } from "./definition/size.ts";
export type {
  Change,
  DomainEvent,
  EventfulKind,
  EventNames,
  EventOptions,
  Gap,
  LifecycleEvent,
  ObjectEventNames,
  ObjectEventsOf,
} from "./event-types.ts";
export { type ExtendedCall, type ExtensionName, Extensions } from "./extensions.ts";
export { type FlagName, type Flags, flagWords, wordedRows } from "./flags.ts";
export type { CallOptions, Method, Methods } from "./method-types.ts";
export type { MigrateFlag, MigrateOptions } from "./migration.ts";
export type { AgentOptions, CommandArguments, MonitorEvent, MonitorEventOptions, MonitorFiles } from "./monitor.ts";
export type {
  Checkpoint,
  Domain,
  DomainStatus,
  Interface,
  Network,
  NetworkPort,
  NodeDevice,
  NwFilter,
  NwFilterBinding,
  Secret,
  Snapshot,
  StoragePool,
  Volume,
  VolumePart,
} from "./objects.ts";
export { type Kind, methodName, ownerOf, type RowName, rowNames } from "./rows.ts";
export type { Auth, Credentials } from "./sasl/credentials.ts";
export type { Subscription } from "./subscription.ts";
export type { ParamsInput, ParamValue, ParamValues } from "./typed-values.ts";
export type { ByteChannel } from "./web-streams.ts";
