import type { Program } from "../procedure.ts";
import { authentication } from "./authentication.ts";
import { checkpoint } from "./checkpoint.ts";
import { connect } from "./connect.ts";
import { domain } from "./domain.ts";
import { domainBlock } from "./domain-block.ts";
import { domainCpu } from "./domain-cpu.ts";
import { domainDevice } from "./domain-device.ts";
import { domainGuest } from "./domain-guest.ts";
import { domainLifecycle } from "./domain-lifecycle.ts";
import { domainMigrate } from "./domain-migrate.ts";
import { domainSave } from "./domain-save.ts";
import { domainStats } from "./domain-stats.ts";
import { domainTuning } from "./domain-tuning.ts";
import { events } from "./event.ts";
import { hostInterface } from "./interface.ts";
import { network, networkEvents } from "./network.ts";
import { node } from "./node.ts";
import { nodeDevice, nodeDeviceEvents } from "./node-device.ts";
import { nwfilter } from "./nwfilter.ts";
import { secret, secretEvents } from "./secret.ts";
import { session } from "./session.ts";
import { snapshot } from "./snapshot.ts";
import { storagePool, storagePoolEvents } from "./storage-pool.ts";
import { storageVol } from "./storage-vol.ts";

/** The types are named by their parts: spelled out, every declaration and every message that has one would be long. */
type DriverTable = typeof connect &
  typeof node &
  typeof domain &
  typeof domainLifecycle &
  typeof domainSave &
  typeof domainCpu &
  typeof domainTuning &
  typeof domainDevice &
  typeof domainBlock &
  typeof domainStats &
  typeof domainMigrate &
  typeof domainGuest &
  typeof snapshot &
  typeof checkpoint &
  typeof network &
  typeof hostInterface &
  typeof storagePool &
  typeof storageVol &
  typeof nodeDevice &
  typeof nwfilter &
  typeof secret;
type ObjectEventTable = typeof networkEvents & typeof storagePoolEvents & typeof nodeDeviceEvents & typeof secretEvents;
type RemoteTable = typeof session & typeof authentication & DriverTable & typeof events & ObjectEventTable;

/** What a driver answers. */
export const driverProcedures: DriverTable = {
  ...connect,
  ...node,
  ...domain,
  ...domainLifecycle,
  ...domainSave,
  ...domainCpu,
  ...domainTuning,
  ...domainDevice,
  ...domainBlock,
  ...domainStats,
  ...domainMigrate,
  ...domainGuest,
  ...snapshot,
  ...checkpoint,
  ...network,
  ...hostInterface,
  ...storagePool,
  ...storageVol,
  ...nodeDevice,
  ...nwfilter,
  ...secret,
};

/** What the daemon answers itself: about the connection, and about who is at its other end. */
export const sessionProcedures: typeof session = session;
export const authenticationProcedures: typeof authentication = authentication;

/** Subscriptions, which are the daemon's too, and what is sent to subscribers: of domains, and of everything else. */
export const eventProcedures: typeof events = events;
export const objectEventProcedures: ObjectEventTable = {
  ...networkEvents,
  ...storagePoolEvents,
  ...nodeDeviceEvents,
  ...secretEvents,
};

/** libvirt's main program. */
export const remote: Program<RemoteTable> = {
  name: "REMOTE",
  number: 0x2000_8086,
  version: 1,
  procedures: {
    ...sessionProcedures,
    ...authenticationProcedures,
    ...driverProcedures,
    ...eventProcedures,
    ...objectEventProcedures,
  },
};

export {
  Domain,
  DomainCheckpoint,
  DomainSnapshot,
  HostInterface,
  listLimit,
  Network,
  NetworkPort,
  NodeDevice,
  Nwfilter,
  NwfilterBinding,
  nodeDeviceListLimit,
  Secret,
  StoragePool,
  StorageVol,
} from "./base.ts";
export { TypedParam, TypedValue, typedParams } from "./typed-param.ts";
