import type { ClientReport } from "./client-report.ts";

/** How many connections there may be. */
export interface ClientLimits {
  readonly clients: number;
  /** Of them, those who have not logged in. */
  readonly anonymousClients: number;
}

/** A part of the daemon with connections of its own: the one for hypervisors, and the one for administration. */
export interface Servant {
  clients(): readonly ClientReport[];
  /** Ends a connection; false when there is none of that id. */
  disconnect(id: number): boolean;
  limits(): ClientLimits;
  setLimits(limits: ClientLimits): void;
}

/** Where the log goes and what it has, in the words of the configuration file. */
export interface LogControl {
  readonly filters: string;
  readonly outputs: string;
  /** "" for those of the file. Throw RangeError for what cannot be meant, and what opening a file throws. */
  setFilters(text: string): void;
  setOutputs(text: string): void;
}
