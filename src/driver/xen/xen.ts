import type { XenProcesses } from "../../libxl/index.ts";

/** What the driver asks of Xen: libxl, in processes of its own. */
export type Xen = Pick<
  XenProcesses,
  | "domains"
  | "domain"
  | "nameOf"
  | "consolePath"
  | "vcpus"
  | "pinVcpu"
  | "setMemoryTarget"
  | "shiftMemoryTarget"
  | "neededMemory"
  | "commandLine"
  | "physical"
  | "topology"
  | "scheduler"
  | "schedule"
  | "setSchedule"
  | "setVcpus"
  | "pause"
  | "unpause"
  | "resume"
  | "shutdown"
  | "pressPowerButton"
  | "reboot"
  | "watchDomain"
  | "create"
  | "restore"
  | "save"
  | "dump"
  | "addDevice"
  | "removeDevice"
  | "configuration"
  | "destroy"
  | "close"
>;

/** Tells that domains have come or gone on this host, whoever made them; what has changed is to be looked up. */
export interface DomainNews {
  /** Until the function that it returns is called. */
  subscribe(listener: () => void): () => void;
  /** Tells that the domain of this number may be called otherwise now, until the function that it returns is called. */
  followName(domid: number, listener: () => void): () => void;
}
